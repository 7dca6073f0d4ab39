import type { Import, Source } from './imports.ts'

/** Which folders of src/ a folder may import. Everything points down. */
const MAY_IMPORT: Readonly<Record<string, readonly string[] | 'all'>> = {
  util: [],
  observe: ['util'],
  config: ['util'],
  sasl: ['util'],
  net: ['util', 'observe'],
  storage: ['util', 'observe', 'config'],
  acl: ['util', 'storage'],
  sieve: ['util', 'storage'],
  auth: ['util', 'observe', 'config', 'sasl', 'net'],
  protocols: ['util', 'observe', 'config', 'sasl', 'net', 'storage', 'acl', 'sieve'],
  delivery: ['util', 'observe', 'config', 'storage', 'acl', 'sieve'],
  login: ['util', 'observe', 'config', 'sasl', 'net', 'auth'],
  proxy: ['util', 'observe', 'config', 'sasl', 'net', 'auth'],
  cluster: ['util', 'observe', 'config', 'net'],
  admin: ['util', 'observe', 'config', 'auth', 'storage', 'acl', 'cluster', 'delivery'],
  main: 'all',
}

/** Lists of concrete things, and who may read them besides main; everybody else receives them as an argument. */
const LISTS: ReadonlyMap<string, readonly string[]> = new Map([
  ['auth/passdb/index.ts', []],
  ['auth/userdb/index.ts', []],
  ['protocols/index.ts', []],
  ['sasl/index.ts', ['auth', 'protocols']],
])

/** Why this import may not be, or undefined. */
export function importComplaint(from: string, { target, typeOnly }: Import): string | undefined {
  const [folder = ''] = from.split('/')
  const [targetFolder = ''] = target.split('/')
  const readers = LISTS.get(target)
  if (readers !== undefined && folder !== 'main' && folder !== targetFolder && !readers.includes(folder)) {
    return `${target} lists concrete things: only main${readers.map((name) => ` and ${name}`).join('')} may import it`
  }
  if (isWire(from)) return wireComplaint(from, target)
  if (folder === 'protocols') return protocolComplaint(from, target, typeOnly)
  if (folder === targetFolder || isAllowed(folder, targetFolder)) return undefined
  if (MAY_IMPORT[folder] === undefined) return `src/${folder} is not in the import table`
  if ((folder === 'login' || folder === 'proxy') && targetFolder === 'protocols') {
    const isTop = target.split('/').length === 2 && target !== 'protocols/index.ts'
    return isTop ? undefined : `${folder} may import only the files at the top of protocols/, and not index.ts`
  }
  return `${folder} may not import ${targetFolder}`
}

function isAllowed(folder: string, targetFolder: string): boolean {
  const allowed = MAY_IMPORT[folder]
  return allowed === 'all' || allowed?.includes(targetFolder) === true
}

function isWire(path: string): boolean {
  return /^protocols\/[^/]+\/wire\//.test(path)
}

function wireComplaint(from: string, target: string): string | undefined {
  const own = from.split('/').slice(0, 3).join('/')
  if (target.startsWith(`${own}/`) || target.startsWith('util/')) return undefined
  return 'wire code may import only its own folder and util'
}

function protocolComplaint(from: string, target: string, typeOnly: boolean): string | undefined {
  const [, protocol = '', ...below] = from.split('/')
  const [targetFolder = '', targetProtocol = '', ...targetBelow] = target.split('/')
  if (targetFolder === 'auth') return typeOnly ? undefined : 'protocols may import only types of auth'
  if (targetFolder !== 'protocols') {
    return isAllowed('protocols', targetFolder) ? undefined : `protocols may not import ${targetFolder}`
  }
  const isTop = below.length === 0
  const targetIsTop = targetBelow.length === 0
  if (targetIsTop || protocol === targetProtocol) return undefined
  if (isTop) return from === 'protocols/index.ts' ? undefined : 'the top of protocols/ may not import one of them'
  const sharesSmtp = (protocol === 'lmtp' || protocol === 'submission') && targetProtocol === 'smtp'
  return sharesSmtp && targetBelow[0] === 'wire'
    ? undefined
    : `protocol ${protocol} may not import protocol ${targetProtocol}`
}

/** Rings of imports, each as the path that closes. Type imports make none: they are gone when the code runs. */
export function findCycles(sources: readonly Source[]): string[] {
  const next = new Map(
    sources.map(({ path, imports }) => [
      path,
      imports.filter(({ own, typeOnly }) => own && !typeOnly).map(({ target }) => target),
    ]),
  )
  const finished = new Set<string>()
  const cycles: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start !== -1) {
      cycles.push([...trail.slice(start), path].join(' → '))
      return
    }
    if (finished.has(path)) return
    for (const target of next.get(path) ?? []) visit(target, [...trail, path])
    finished.add(path)
  }
  for (const { path } of sources) visit(path, [])
  return cycles
}
