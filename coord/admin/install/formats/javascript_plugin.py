"""The plugin of a client that runs no commands as hooks, but loads modules of JavaScript.

The module passes the client's events to `coord hook`, in the same form as the hooks of other clients, and obeys the
answers. It decides nothing itself, and if `coord` fails or is missing, everything is allowed.
"""

import json
import re

from coord.clients.client import Client

PLUGIN_HEADER = "// Made by `coord install`, which replaces it; `coord uninstall` removes it."
_BEFORE_S, _OTHER_S = 5, 10  # how long the client waits for a hook
_COMMAND = re.compile(r'^const COMMAND = (".*")$', re.MULTILINE)

_MODULE = """
// It passes the events of agents to `coord hook`, and obeys the answers. If coord fails, everything is allowed.
import { spawn } from "node:child_process"

const COMMAND = {command}
const CLIENT = {word}
const GUARDED = {tools} // the tools that coord is asked about before they run
const WAKES = {wakes} // whether an idle agent is woken when there is something to read
const ENDS_WHEN_IDLE = process.argv.slice(2).find((word) => !word.startsWith("-")) === "run" // it cannot be held back
const NO_ANSWER = { code: 0, answer: {}, reason: "" }
const running = new Set()

// End a hook and all processes that it started.
const stop = (child) => {
  try {
    if (running.has(child)) process.kill(-child.pid)
  } catch {} // it has ended
}

// Start the hook with an event on its standard input. `answer` resolves to its exit code and what it printed.
const start = (event, option, seconds) => {
  const child = spawn("sh", ["-c", COMMAND + option], { cwd: event.cwd, detached: true })
  const printed = { stdout: "", stderr: "" }
  for (const name of Object.keys(printed))
    child[name].setEncoding("utf8").on("data", (text) => (printed[name] += text))
  running.add(child)
  let timer
  const answer = new Promise((resolve) => {
    const end = (code) => {
      clearTimeout(timer)
      running.delete(child)
      let document = {}
      try {
        document = JSON.parse(printed.stdout)
      } catch {} // it printed nothing
      resolve({ code, answer: document, reason: printed.stderr.trim() })
    }
    child.on("error", () => end(0))
    child.on("close", end)
    timer = setTimeout(() => {
      stop(child)
      end(0)
    }, seconds * 1000)
  })
  child.stdin.on("error", () => {})
  child.stdin.end(JSON.stringify(event))
  return { child, answer }
}

const context = ({ answer }) => answer.hookSpecificOutput?.additionalContext ?? ""

export const Coord = async ({ client, directory }) => {
  const loaded = (globalThis.coordModules ??= new Set())
  if (loaded.has(directory)) return {} // it is installed for the user and for the project
  loaded.add(directory)
  const since = Date.now()
  const sessions = new Map()
  const unanswered = new Set()

  const readSession = async (id) => {
    const { data = {} } = await client.session.get({ path: { id } }).catch(() => ({}))
    const root = data.parentID ? (await sessionOf(data.parentID)).root : id
    const source = data.time?.created < since ? "resume" : "startup"
    return { root, kind: data.agent ?? "", cwd: data.directory ?? directory, source, agents: new Set() }
  }
  const sessionOf = (id) => {
    if (!sessions.has(id)) sessions.set(id, readSession(id))
    return sessions.get(id)
  }
  const eventOf = async (name, id, more) => {
    const { root, kind, cwd } = await sessionOf(id)
    const agent = root === id ? {} : { agent_id: id, agent_type: kind }
    return { client: CLIENT, hook_event_name: name, session_id: root, ...agent, cwd, ...more }
  }
  const hook = async (name, id, more = {}, seconds = {other_s}) => {
    try {
      return await start(await eventOf(name, id, more), "", seconds).answer
    } catch {
      return NO_ANSWER
    }
  }
  const prompt = (id, text) =>
    client.session.promptAsync({ path: { id }, body: { parts: [{ type: "text", text, synthetic: true }] } })

  // Report the first event of a session, or of a subagent, in this process. Resolves to a text for the agent.
  const begin = async (id) => {
    const session = await sessionOf(id)
    if (session.begun) return ""
    session.begun = true
    if (session.root === id) return context(await hook("SessionStart", id, { source: session.source }))
    ;(await sessionOf(session.root)).agents.add(id)
    await hook("SubagentStart", id)
    return ""
  }
  const end = async (id, reason) => {
    const session = await sessionOf(id)
    if (session.waiter) stop(session.waiter)
    if (session.begun && session.root === id) await hook("SessionEnd", id, { reason })
    sessions.delete(id)
  }
  const idle = async (id) => {
    const session = await sessionOf(id)
    if (!session.begun) return
    if (session.root !== id) {
      session.begun = false
      ;(await sessionOf(session.root)).agents.delete(id)
      return hook("SubagentStop", id)
    }
    const stopped = { background_tasks: [...session.agents] }
    const ended = session.failed || ENDS_WHEN_IDLE
    session.failed = false
    const { answer } = await hook(ended ? "TurnEnd" : "Stop", id, stopped)
    if (answer.decision === "block") return prompt(id, answer.reason)
    if (WAKES && !ENDS_WHEN_IDLE) wait(id, session, await eventOf("Stop", id, stopped))
  }
  const wait = (id, session, event) => {
    if (session.waiter) stop(session.waiter)
    const { child, answer } = start(event, " --wake", 86400)
    session.waiter = child
    answer.then(({ code, reason }) => code === 2 && session.waiter === child && prompt(id, reason)).catch(() => {})
  }

  const events = {
    "permission.asked": ({ sessionID, permission }) => hook("PermissionRequest", sessionID, { tool_name: permission }),
    "session.error": async ({ sessionID }) => {
      if (sessions.has(sessionID)) (await sessionOf(sessionID)).failed = true
    },
    "session.idle": ({ sessionID }) => idle(sessionID),
    "session.compacted": async ({ sessionID }) => {
      const session = await sessionOf(sessionID)
      if (session.begun && session.root === sessionID) Object.assign(session, { begun: false, source: "compact" })
    },
    "session.deleted": async ({ sessionID, info }) => {
      const id = sessionID ?? info?.id
      if (sessions.has(id)) await end(id, "deleted")
    },
  }
  const safely = (answer) => async (input, output) => {
    try {
      await answer(input, output)
    } catch {} // an agent is never stopped because coord fails
  }

  return {
    event: async ({ event }) => {
      const answer = safely(async () => events[event.type]?.(event.properties))()
      unanswered.add(answer)
      await answer
      unanswered.delete(answer)
    },
    "chat.message": safely(async ({ sessionID }, { message, parts }) => {
      const { root, waiter } = await sessionOf(sessionID)
      if (waiter) stop(waiter) // an agent at work is not woken
      const texts = [await begin(sessionID)]
      if (root === sessionID) texts.push(context(await hook("UserPromptSubmit", sessionID)))
      const text = texts.filter(Boolean).join("\\n")
      const last = parts.at(-1)
      if (text && last && parts.every((part) => part.text !== text))
        parts.push({ id: `${last.id}c`, messageID: message.id, sessionID, type: "text", synthetic: true, text })
    }),
    "tool.execute.before": async ({ tool, sessionID, callID }, { args }) => {
      if (!GUARDED.includes(tool)) return
      const call = { tool_name: tool, tool_input: args, tool_use_id: callID }
      const { code, reason } = await hook("PreToolUse", sessionID, call, {before_s})
      if (code === 2) throw new Error(reason || "coord denied this call.")
    },
    "tool.execute.after": safely(async ({ tool, sessionID, callID, args }, output) => {
      const call = { tool_name: tool, tool_input: args, tool_use_id: callID }
      const text = [await begin(sessionID), context(await hook("PostToolUse", sessionID, call))]
      for (const each of text.filter(Boolean)) if (typeof output.output === "string") output.output += `\\n\\n${each}`
    }),
    "shell.env": safely(async ({ sessionID }, { env }) => {
      if (sessionID) Object.assign(env, { {agent_id}: sessionID, {root_id}: (await sessionOf(sessionID)).root })
    }),
    dispose: safely(async () => {
      await Promise.all(unanswered)
      await Promise.all([...sessions.keys()].map((id) => end(id, "the client ended")))
      for (const child of running) stop(child)
      loaded.delete(directory)
    }),
  }
}
"""


def plugin_module(client: Client, command: str, wake: bool) -> str:
    """Return the text of the module. `command` is the shell command of the hook."""
    tools = [*client.files, *client.patches, *client.shells, *client.questions]
    values = {
        "command": json.dumps(command),
        "word": json.dumps(client.word),
        "tools": json.dumps(tools),
        "wakes": json.dumps(wake),
        "before_s": str(_BEFORE_S),
        "other_s": str(_OTHER_S),
        "agent_id": client.ids[0],
        "root_id": client.ids[-1],
    }
    text = _MODULE
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return PLUGIN_HEADER + text


def is_plugin_module(text: str) -> bool:
    """Return whether coord made this file."""
    return text.startswith(PLUGIN_HEADER)


def commands_in_module(text: str) -> list[str]:
    """Return the command of the hook in a module that coord made; empty for any other text."""
    found = _COMMAND.search(text) if is_plugin_module(text) else None
    return [json.loads(found[1])] if found else []
