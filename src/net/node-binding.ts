/** A part of Node below its modules, as `process.binding` gives it to old programs. Throws where this Node does not. */
export function nodeBinding(name: string): unknown {
  return (process as unknown as { binding(name: string): unknown }).binding(name)
}

/** What is below a socket or a server of Node's; undefined once it is closed. The caller knows what it can do. */
export function handleBelow(above: object): unknown {
  return (above as { readonly _handle?: unknown })._handle ?? undefined
}
