import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { AclFiles } from '../../src/acl/acl-files.ts'
import { VfileBackend } from '../../src/acl/backends/vfile.ts'
import { openGlobalAcl } from '../../src/acl/global.ts'
import { type AclNamespace, locateAcls } from '../../src/acl/namespace.ts'
import { type AclSettings, readAclSettings } from '../../src/acl/settings.ts'
import type { MailLocation } from '../../src/storage/formats/format.ts'
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts'

/** A directory with mail of some users in it, and a clock that stands until it is told to go. */
export interface MailTree {
  readonly dir: string
  readonly files: AclFiles
  /** What was logged. */
  readonly logged: string[]
  nowMs: number
  /** Writes a file below `dir`, with its directories. */
  write(path: string, content: string): void
  /** A Maildir++ namespace with these mailboxes. */
  namespace(options: NamespaceOptions): AclNamespace
  backend(plugin?: Readonly<Record<string, string>>): Promise<VfileBackend>
}

export interface NamespaceOptions {
  /** Below `dir`. */
  readonly root: string
  readonly mailboxes?: readonly string[]
  readonly type?: AclNamespace['type']
  readonly prefix?: string
  readonly separator?: string
  readonly owner?: string
  readonly inherit?: 'copy' | 'live'
}

export function makeMailTree(t: TestContext): MailTree {
  const dir = makeTempDir('acl')
  t.after(() => removeTempDir(dir))
  const logged: string[] = []
  const tree: MailTree = {
    dir,
    logged,
    nowMs: Date.UTC(2026, 0, 1),
    files: new AclFiles({ now: () => tree.nowMs, log: (level, text) => logged.push(`${level}: ${text}`) }),
    write(path, content) {
      mkdirSync(dirname(join(dir, path)), { recursive: true })
      writeFileSync(join(dir, path), content)
    },
    namespace: (options) => maildirNamespace(dir, options),
    async backend(plugin = {}) {
      const settings = aclSettings({ acl: 'vfile::cache_secs=0', ...plugin })
      const options = { files: tree.files, cacheMs: settings.cacheMs, isStrict: settings.isStrict }
      const global = await openGlobalAcl(settings.globalPath, options)
      return new VfileBackend({ settings, global, files: tree.files, now: () => tree.nowMs })
    },
  }
  return tree
}

export function aclSettings(plugin: Readonly<Record<string, string>>): AclSettings {
  const outcome = readAclSettings(new Map(Object.entries(plugin)))
  if (outcome.kind !== 'on') throw new Error(`acl is ${outcome.kind}`)
  return outcome.settings
}

function maildirNamespace(dir: string, options: NamespaceOptions): AclNamespace {
  const { type = 'private', prefix = '', separator = '/', inherit = 'copy', mailboxes = [] } = options
  const path = join(dir, options.root)
  const inboxName = { private: 'INBOX', shared: prefix.slice(0, -separator.length), public: `${prefix}INBOX` }[type]
  const mailDirectory = (name: string): string =>
    name === 'INBOX' && type !== 'public' ? path : `${path}/.${name.replaceAll('/', '.')}`
  for (const name of mailboxes) mkdirSync(mailDirectory(name), { recursive: true })
  const places = locateAcls(
    maildirLocation(path),
    (name) => ({ mail: mailDirectory(name), control: mailDirectory(name), index: undefined }),
    type !== 'public',
  )
  const owner = options.owner ?? (type === 'public' ? undefined : 'olga')
  const facts = { type, prefix, separator, inboxName, inherit, hasPrivateSeen: false, owner, places }
  return { ...facts, mailboxes: () => Promise.resolve(mailboxes) }
}

export function maildirLocation(path: string): MailLocation {
  return {
    format: 'maildir',
    path,
    layout: 'maildir++',
    inboxPath: undefined,
    indexPath: undefined,
    indexPrivatePath: undefined,
    controlPath: undefined,
    options: new Map(),
  }
}
