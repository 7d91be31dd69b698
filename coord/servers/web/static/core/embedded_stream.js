// The stream of an exported page: it sends everything once.

/** Fill the store with the span of the file. */
export async function mount(store, api) {
  const data = await api.everything();
  store.receive(data);
  const { at } = store.view;
  if (at) store.setMoment(await api.fetchMoment(at));
}
