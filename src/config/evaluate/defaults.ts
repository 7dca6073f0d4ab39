import type { SourcePosition } from '../complaint.ts'
import { defaultServices } from '../settings/default-services.ts'
import { escapeName, type ListEntry } from './block.ts'

const BUILT_IN: SourcePosition = { file: '<defaults>', line: 0 }

/** Values of the built-in services by path, as they would be written. */
export const defaultValues: ReadonlyMap<string, string> = new Map(collectValues())

/** The built-in services and their listeners by the path of the list. */
export const defaultLists: ReadonlyMap<string, readonly ListEntry[]> = collectLists()

function* collectValues(): Generator<[string, string]> {
  for (const service of defaultServices) {
    const path = `service/${escapeName(service.name)}`
    yield [`${path}/name`, service.name]
    for (const [key, text] of Object.entries(service.settings)) yield [`${path}/${key}`, text]
    for (const listener of service.listeners) {
      const below = `${path}/${listener.kind}/${escapeName(listener.name)}`
      yield [`${below}/${listener.kind === 'inet_listener' ? 'name' : 'path'}`, listener.name]
      for (const [key, text] of Object.entries(listener.settings)) yield [`${below}/${key}`, text]
    }
  }
}

function collectLists(): ReadonlyMap<string, readonly ListEntry[]> {
  const lists = new Map<string, ListEntry[]>()
  const add = (path: string, name: string) => {
    const entry = { id: escapeName(name), at: BUILT_IN }
    const entries = lists.get(path)
    if (entries === undefined) lists.set(path, [entry])
    else entries.push(entry)
  }
  for (const { name, listeners } of defaultServices) {
    add('service', name)
    for (const listener of listeners) add(`service/${escapeName(name)}/${listener.kind}`, listener.name)
  }
  return lists
}
