import { release, type } from 'node:os'
import type { Settings } from '../../config/config.ts'
import { encodeText } from '../wire-text.ts'
import { fitsIdPair, writeIdParameters } from './wire/id-parameters.ts'
import type { IdPair } from './wire/id-parameters.ts'

/** The parameters of our own ID: the pairs of `imap_id_send`, a value of `*` being the built-in one. */
export function serverId(settings: Pick<Settings, 'imap_id_send'>): string {
  let text = cache.get(settings)
  if (text === undefined) cache.set(settings, (text = compose(settings.imap_id_send)))
  return text
}

const cache = new WeakMap<object, string>()

function compose(setting: string): string {
  const words = setting.split(/\s+/).filter((word) => word !== '')
  const pairs: IdPair[] = []
  for (let i = 0; i < words.length; i += 2) {
    const key = words[i] ?? ''
    const value = words[i + 1] ?? '*'
    pairs.push([encodeText(key), value === '*' ? builtIn(key) : encodeText(value)])
  }
  return writeIdParameters(pairs.filter(fitsIdPair))
}

/** What `*` stands for. The name is Dovecot's: clients tell servers apart by it, and we behave like that one. */
function builtIn(key: string): string | null {
  return BUILT_IN.get(key.toLowerCase()) ?? null
}

const BUILT_IN: ReadonlyMap<string, string> = new Map([
  ['name', 'Dovecot'],
  ['version', '2.3.19.1'],
  ['os', type()],
  ['os-version', release()],
  ['support-url', 'http://www.dovecot.org/'],
  ['support-email', 'dovecot@dovecot.org'],
])
