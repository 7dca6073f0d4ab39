import type { SourcePosition } from '../complaint.ts'
import type { RawValue } from '../syntax/line.ts'
import type { ConfigNode, SectionNode } from '../syntax/tree.ts'
import { type Frame, obsolete, type SettingSink } from './sink.ts'

type Modernise = (key: string, value: string, at: SourcePosition) => boolean

/** `auth default { ... }` of Dovecot 1.x: settings without their `auth_`, databases named by their driver, sockets. */
export function readAuthSection(sink: SettingSink, frame: Frame, section: SectionNode, modernise: Modernise): void {
  for (const node of section.body) {
    if (node.kind === 'complaint') sink.complain(node.complaint.severity, node.complaint.text, node.at)
    else if (node.kind === 'assign') readAuthSetting(sink, frame, node.key, node.value, node.at, modernise)
    else readAuthSubsection(sink, frame, node)
  }
}

function readAuthSetting(
  sink: SettingSink,
  frame: Frame,
  name: string,
  value: RawValue,
  at: SourcePosition,
  modernise: Modernise,
): void {
  const key = name.startsWith('auth_') ? name : `auth_${name}`
  if (value.form === 'text' && modernise(key, value.text, at)) return
  sink.assign(frame, key, value, at)
}

function readAuthSubsection(sink: SettingSink, frame: Frame, node: SectionNode): void {
  const { type, name, at } = node
  if (type === 'passdb' || type === 'userdb') {
    obsolete(sink, `${type} ${name} {} has been replaced by ${type} { driver=${name} }`, at)
    const driver: ConfigNode = { kind: 'assign', key: 'driver', value: { form: 'text', text: name }, at }
    return sink.openAndRead(frame, node, type, '', [driver])
  }
  if (type === 'socket' && name === 'listen') return readSockets(sink, node)
  if (type === 'socket' && name === 'connect') {
    obsolete(sink, 'socket connect {} is no longer supported, configure external auth server separately', at)
  }
  sink.openAndRead(frame, node, type, name, [])
}

function readSockets(sink: SettingSink, section: SectionNode): void {
  for (const node of section.body) {
    if (node.kind === 'section' && (node.type === 'master' || node.type === 'client')) readSocket(sink, node)
    else if (node.kind === 'section') sink.complain('error', `Unknown setting: ${node.type} { ${node.type}`, node.at)
    else if (node.kind === 'assign') sink.complain('error', `Unknown setting: ${node.key}`, node.at)
  }
}

function readSocket(sink: SettingSink, node: SectionNode): void {
  const settings = new Map(
    node.body.flatMap((child) => (child.kind === 'assign' ? [[child.key, child.value.text] as const] : [])),
  )
  const at = node.end ?? node.at
  const path = settings.get('path')
  if (path === undefined) return sink.complain('error', 'socket listen {} is missing path', at)
  const isMaster = path.endsWith('-master') || path.endsWith('-userdb')
  if (node.type === 'master' && !isMaster) {
    return sink.complain('error', 'socket listen { master { path=.. } } must end with -master (or -userdb) suffix', at)
  }
  if (node.type === 'client' && isMaster) {
    return sink.complain(
      'error',
      'socket listen { client { path=.. } } must end not with -master or -userdb suffix',
      at,
    )
  }
  const body = ['mode', 'user', 'group'].flatMap((key): readonly ConfigNode[] => {
    const text = settings.get(key)
    return text === undefined ? [] : [{ kind: 'assign', key, value: { form: 'text', text }, at }]
  })
  const listener: SectionNode = {
    kind: 'section',
    type: 'unix_listener',
    name: relativeTo(sink, path),
    body,
    at,
    end: at,
  }
  const service: SectionNode = { kind: 'section', type: 'service', name: 'auth', body: [listener], at, end: at }
  sink.openAndRead(sink.root, service, 'service', 'auth', [])
}

/** Sockets below base_dir are named from there. */
function relativeTo(sink: SettingSink, path: string): string {
  const base = sink.root.block.values.get('base_dir')?.text ?? '/run/dovecot'
  const directory = base.endsWith('/') ? base : `${base}/`
  return path.startsWith(directory) ? path.slice(directory.length) : path
}
