/** Mount this part of the page. */
export function mount() {}
