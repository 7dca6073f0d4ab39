import { accessSync, constants, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { about } from '../../admin/doctor/about.ts'
import type { Finding } from '../../admin/doctor/finding.ts'
import type { Config } from '../../config/config.ts'
import { parseLogPath } from '../../observe/log-writer.ts'
import { controlPath } from '../control-path.ts'

/** `sun_path` of Linux holds as many bytes, with a NUL behind. */
const SOCKET_PATH_BYTES = 107

/** Log files that cannot be written, and a `base_dir` that cannot hold the control socket. Nothing is created. */
export function checkFiles(config: Config): readonly Finding[] {
  return [...logFiles(config), ...baseDirectory(config), ...socketPath(config)]
}

function* logFiles(config: Config): Generator<Finding> {
  const settings = config.settings({})
  for (const setting of ['log_path', 'info_log_path', 'debug_log_path'] as const) {
    if (settings[setting] === '') continue
    const target = parseLogPath(settings[setting], '', '')
    const problem = target.kind === 'file' ? writeProblem(target.path) : undefined
    if (problem !== undefined) yield about(config, {}, setting, 'error', `${setting} cannot be written: ${problem}`)
  }
}

function* baseDirectory(config: Config): Generator<Finding> {
  const { base_dir } = config.settings({})
  const problem = directoryProblem(base_dir)
  if (problem === undefined) return
  const text = `base_dir cannot be used: ${problem}; without a control socket, doveadm cannot reach the server`
  yield about(config, {}, 'base_dir', 'warning', text)
}

function* socketPath(config: Config): Generator<Finding> {
  const path = controlPath(config.settings({}))
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES) return
  const text = `the path of the control socket is longer than ${SOCKET_PATH_BYTES} bytes, so doveadm cannot reach the server: ${path}`
  yield about(config, {}, 'base_dir', 'warning', text)
}

function writeProblem(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined)
    return isDirectory(dirname(path)) ? accessProblem(dirname(path)) : `${dirname(path)} is no directory`
  return found.isDirectory() ? `${path} is a directory` : accessProblem(path)
}

/** One that is missing is made, so its nearest parent counts. */
function directoryProblem(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found !== undefined) return found.isDirectory() ? accessProblem(path) : `${path} is no directory`
  return dirname(path) === path ? `${path} does not exist` : directoryProblem(dirname(path))
}

function accessProblem(path: string): string | undefined {
  try {
    accessSync(path, constants.W_OK)
    return undefined
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EACCES'
      ? `${path}: permission denied`
      : `${path}: ${error instanceof Error ? error.message : String(error)}`
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
