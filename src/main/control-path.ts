import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { ControlUnavailable } from '../admin/control/client.ts'
import type { Settings } from '../config/config.ts'
import { queryOf } from '../config/filter.ts'
import { matchingBlocks, mergeBlocks } from '../config/merge.ts'
import { readConfig } from '../config/read.ts'
import { settingsOf } from '../config/typed.ts'
import { systemFiles } from './config-files.ts'
import { takeConfigOptions } from './options.ts'

/** Where a server with these settings has its control socket. */
export function controlPath({ base_dir, postern_control_socket }: Settings): string {
  return resolve(base_dir, postern_control_socket)
}

/**
 * The same from a configuration file. One with errors names its socket all the same: `doveadm reload` is how an
 * administrator learns of them. Throws ControlUnavailable when there is no file.
 */
export function controlPathFrom(options: {
  readonly config: string | undefined
  readonly overrides: readonly string[]
}): string {
  const path = options.config ?? takeConfigOptions([]).path
  const input = { path, files: systemFiles(), overrides: options.overrides, hostname: hostname() }
  const { blocks, complaints } = readConfig(input, true)
  const unreadable = complaints.find(({ text }) => text.startsWith(`open(${path}) failed`))
  if (unreadable !== undefined) throw new ControlUnavailable(unreadable.text)
  return controlPath(settingsOf(mergeBlocks(matchingBlocks(blocks, queryOf({ protocol: 'master' })))))
}
