import { freePorts, releasePorts } from '../support/free-ports.ts'

/** Where a server under test lives. */
export interface Place {
  /** Its directory, readable by every user, removed at the end. */
  readonly dir: string
  /** The port of this name: the same number each time it is asked for by the same name. */
  readonly port: (name: string) => number
}

/** A configuration as a function of its directory and ports, which only exist once the server starts. */
export type ConfigText = (place: Place) => string

/** More ports than any configuration here asks for. */
const MAX_PORTS = 24

/** Gives the configuration its ports. Returns the text and the ports by name. */
export async function fillIn(
  config: ConfigText,
  dir: string,
): Promise<{ text: string; ports: Record<string, number> }> {
  const free = await freePorts(MAX_PORTS)
  const ports = new Map<string, number>()
  const port = (name: string): number => {
    const known = ports.get(name)
    if (known !== undefined) return known
    const fresh = free.pop()
    if (fresh === undefined) throw new Error(`a configuration with more than ${MAX_PORTS} ports`)
    ports.set(name, fresh)
    return fresh
  }
  const text = config({ dir, port })
  releasePorts(free)
  return { text, ports: Object.fromEntries(ports) }
}
