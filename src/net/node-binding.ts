/** A part of Node below its modules, as `process.binding` gives it to old programs. Throws where this Node does not. */
export function nodeBinding(name: string): unknown {
  return (process as unknown as { binding(name: string): unknown }).binding(name)
}
