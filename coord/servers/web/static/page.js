// Wires the page: one store, one stream, one module for each part of the page.
import * as api from "./core/api.js";
import { mountKeys } from "./core/keys.js";
import { createStore } from "./core/store.js";
import { mount as mountAddress } from "./core/address.js";
import { mount as mountStream } from "./core/stream.js";
import { mount as mountNeeds } from "./panels/needs.js";
import { mount as mountNotify } from "./panels/notify.js";
import { mount as mountLanes } from "./lanes/lanes.js";
import { mount as mountTime } from "./time/time.js";
import { mount as mountMessages } from "./panels/messages.js";
import { mount as mountBoard } from "./panels/board.js";
import { mount as mountDrawer } from "./panels/drawer.js";
import { mount as mountSearch } from "./panels/search.js";
import { mount as mountTop } from "./panels/top.js";

const store = createStore();
const part = (id) => document.getElementById(id);

mountAddress(store);
mountTop({ folder: part("folder"), me: part("me"), problems: part("problems") }, store, api);
mountNeeds(part("needs"), store, api);
mountLanes(part("lanes"), store, api);
mountTime({ section: part("time"), now: part("now") }, store, api);
mountMessages(part("messages"), store, api);
mountBoard(part("board"), store, api);
mountDrawer(part("drawer"), store, api);
mountSearch(part("search"), store, api);
mountNotify(part("notify"), store, api);
mountKeys();
mountStream(store, api);
