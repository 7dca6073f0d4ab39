import { ftruncateSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { StoreRefusal } from '../../refusal.ts'
import type { FormatContext } from '../format.ts'
import { hasCode, type Syncing } from './disk.ts'
import { lockFile } from './dotlock.ts'
import { permissionsOf } from './permissions.ts'

// The `subscriptions` file. Version 2 begins with `V<TAB>2` and an empty line, then a name a line, its levels apart by tabs
// and its special characters escaped; without that line it is the old format, names as they are with the layout's separator.
// A file stays in the format it has.

const HEADER = 'V\t2\n\n'
/** Dovecot's SUBSCRIPTION_FILE_LOCK_TIMEOUT and SUBSCRIPTION_FILE_CHANGE_TIMEOUT. */
const LOCK = { waitMs: 120_000, staleMs: 30_000 } as const

/** How names are written in this file. */
export interface SubscriptionNames {
  /** The layout's separator, for the old format. */
  readonly separator: string
  /** Storage name to what is written, levels still apart by `/`: mUTF-7, usually. */
  readonly encode: (name: string) => string
  /** `undefined` when it is none. */
  readonly decode: (text: string) => string | undefined
}

/** Subscribed names in the order of the file; lines that are no names are left out. */
export function readSubscriptions(path: string, names: SubscriptionNames): string[] {
  const text = readText(path)
  const lines = text.split('\n').filter((line) => line !== '')
  if (!text.startsWith(HEADER))
    return decodeAll(
      lines.map((line) => line.split(names.separator)),
      names,
    )
  return decodeAll(
    lines.slice(1).map((line) => line.split('\t').map(unescape)),
    names,
  )
}

export interface SubscriptionChange {
  readonly path: string
  readonly name: string
  readonly subscribed: boolean
}

/** Adds or takes out a name, with Dovecot's lock; everything else in the file stays as it is. */
export async function changeSubscription(
  { path, name, subscribed }: SubscriptionChange,
  names: SubscriptionNames,
  context: FormatContext,
  syncing: Syncing,
): Promise<void> {
  const directory = path.slice(0, path.lastIndexOf('/'))
  const lock = await lockFile(path, {
    hostname: context.hostname,
    timeoutMs: LOCK.waitMs,
    staleMs: LOCK.staleMs,
    permissions: () => permissionsOf(directory),
  })
  if (lock === undefined) throw new StoreRefusal('temporary', 'Timeout waiting for subscription file lock')
  let replaced = false
  try {
    const text = changedText(readText(path), name, subscribed, names)
    if (text === undefined) return
    // Its owner's name goes first.
    ftruncateSync(lock.fd)
    writeSync(lock.fd, text, 0, 'utf8')
    await syncing.file(lock.fd)
    renameSync(lock.path, path)
    replaced = true
  } finally {
    if (replaced) lock.replaced()
    else lock.release()
  }
}

/** The text after the change; `undefined` when it stays. */
export function changedText(
  old: string,
  name: string,
  subscribed: boolean,
  names: SubscriptionNames,
): string | undefined {
  const text = old === '' ? HEADER : old
  const version2 = text.startsWith(HEADER)
  const levels = name.split('/').map(names.encode)
  const line = version2 ? levels.map(escape).join('\t') : levels.join(names.separator)
  const body = version2 ? text.slice(HEADER.length) : text
  const lines = body.split('\n')
  if (lines.at(-1) === '') lines.pop()
  const others = lines.filter((one) => one !== line)
  if (subscribed === others.length < lines.length) return undefined
  if (subscribed) others.push(line)
  return (version2 ? HEADER : '') + others.map((one) => `${one}\n`).join('')
}

function decodeAll(names: readonly string[][], { decode }: SubscriptionNames): string[] {
  const decoded = names.map((levels) => levels.map(decode))
  return decoded.filter((levels) => levels.every((level) => level !== undefined)).map((levels) => levels.join('/'))
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return ''
    throw error
  }
}

const ESCAPES: readonly (readonly [char: string, code: string])[] = [
  ['\x01', '1'],
  ['\0', '0'],
  ['\t', 't'],
  ['\r', 'r'],
  ['\n', 'n'],
]
const CODE_OF: ReadonlyMap<string, string> = new Map(ESCAPES)
const CHAR_OF: ReadonlyMap<string, string> = new Map(ESCAPES.map(([char, code]) => [code, char]))

function escape(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\x00\x01\t\r\n]/g, (char) => `\x01${CODE_OF.get(char) ?? ''}`)
}

function unescape(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/\x01(.)/g, (_, code: string) => CHAR_OF.get(code) ?? code)
}
