import { resolve } from 'node:path'
import type { Config, Filter } from '../../config/config.ts'
import { scriptWords } from '../../config/script-words.ts'
import { isOn } from '../../delivery/quota/plugin-flag.ts'
import type { Finding } from './finding.ts'

/** What of Dovecot's quota plugin Postern does not do, and scripts that nobody runs. */
export function checkQuota(config: Config, filter: Filter): readonly Finding[] {
  if (!config.settings(filter).mail_plugins.includes('quota')) return []
  const texts: string[] = []
  const plugin = config.plugin(filter)
  const { base_dir: baseDir } = config.settings(filter)
  const sockets = scriptSockets(config, baseDir)
  for (const [key, value] of plugin) {
    const words = /^quota\d*_warning\d*$/.test(key) ? value.split(' ').slice(1) : scriptOf(key, value)
    const [socket = ''] = words.filter((word) => word !== '')
    if (isLocal(socket) && !sockets.has(resolve(baseDir, socket.replace(/^unix:/, ''))))
      texts.push(
        `plugin { ${key} } asks at ${socket}, but no service { executable = script ... } has a unix_listener there`,
      )
    if (/^quota\d*$/.test(key) && /^(dict|fs|imapc)\b/.test(value))
      texts.push(`plugin { ${key} = ${value} }: this backend is not there, nothing is limited by it`)
    if (key.startsWith('quota_status_'))
      texts.push(`plugin { ${key} } has no effect: there is no policy service for Postfix`)
    if (key === 'quota_set') texts.push('plugin { quota_set } has no effect: clients cannot change limits')
  }
  if (/^count\b/.test(plugin.get('quota') ?? '') && !isOn(plugin.get('quota_vsizes')))
    texts.push('plugin { quota = count } without quota_vsizes = yes: Dovecot refuses it, here virtual sizes count')
  return texts.map((text) => ({ severity: 'warning', text }))
}

function scriptOf(key: string, value: string): readonly string[] {
  return /^quota\d*_over_script$/.test(key) ? value.split(' ') : []
}

/** A UNIX socket: others are on other machines, or programs. */
function isLocal(socket: string): boolean {
  return socket !== '' && !/^(tcp|exec):/.test(socket)
}

function scriptSockets(config: Config, baseDir: string): ReadonlySet<string> {
  const scripts = [...config.services.values()].filter(({ executable }) => scriptWords(executable).length > 0)
  return new Set(scripts.flatMap(({ unixListeners }) => unixListeners.map(({ path }) => resolve(baseDir, path))))
}
