import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Finding } from '../admin/doctor/finding.ts'
import type { Config, Settings } from '../config/config.ts'
import { BARE_SOCKETS, NO_BARE_SOCKETS } from '../net/bare/binding.ts'
import type { Observer } from '../observe/events.ts'

/** The test takes less than a second. */
const SELF_TEST_MS = 15_000
/** Of what a process that aborts says, the log gets so much. */
const SAID_CHARACTERS = 300

/**
 * Decides, before there are workers, whether they may use bare sockets: only when `postern_bare_sockets` asks for them, and this
 * Node passes the test. Returns whether they may.
 */
export async function decideBareSockets(settings: Settings, observer: Observer): Promise<boolean> {
  const problem = settings.postern_bare_sockets ? await bareSocketProblem() : 'not asked for'
  if (problem === undefined) delete process.env[BARE_SOCKETS]
  // Workers inherit it.
  else process.env[BARE_SOCKETS] = NO_BARE_SOCKETS
  if (problem !== undefined && settings.postern_bare_sockets)
    observer.log('warning', 'master', `postern_bare_sockets: Not used, this Node failed the test: ${problem}`)
  return problem === undefined
}

/** What `postern doctor` says about `postern_bare_sockets`. */
export async function checkBareSockets(config: Config): Promise<readonly Finding[]> {
  if (!config.settings({}).postern_bare_sockets) return []
  const problem = await bareSocketProblem()
  if (problem === undefined) return []
  const at = config.origin('postern_bare_sockets', {})
  const text = `postern_bare_sockets will not be used: Node ${process.versions.node} failed the test: ${problem}`
  return [{ severity: 'warning', text, ...(at && { at }) }]
}

/** Runs the test in a process of its own, since a Node that is not as we think may abort. Resolves with what went wrong. */
async function bareSocketProblem(): Promise<string | undefined> {
  const file = fileURLToPath(import.meta.url.replace(/bare-sockets\.(ts|js)$/, 'bare-self-test.$1'))
  const { [BARE_SOCKETS]: _, ...env } = process.env
  return await new Promise((resolve) => {
    execFile(process.execPath, [file], { env, timeout: SELF_TEST_MS, killSignal: 'SIGKILL' }, (error, _out, said) => {
      if (error === null) return resolve(undefined)
      const how = error.killed === true ? 'it took too long' : (error.signal ?? `exit status ${error.code ?? '?'}`)
      resolve(said.trim() === '' ? how : `${said.trim().slice(0, SAID_CHARACTERS)} (${how})`)
    })
  })
}
