// Exchanges the key in the address for the cookie, removes the key from the address, and loads the page.

const message = document.getElementById("message");
const fragment = new URLSearchParams(location.hash.slice(1));
const key = fragment.get("key");

async function open() {
  fragment.delete("key");
  const rest = fragment.toString();
  history.replaceState(null, "", rest ? `/#${rest}` : "/");
  const response = await fetch("/api/open", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ key }),
  });
  if (response.ok) location.reload();
  else message.textContent = (await response.json()).error.message;
}

if (key) open().catch(() => { message.textContent = "The server does not answer. Start it again with: coord web"; });
