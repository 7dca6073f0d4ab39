import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'

/** The two C programs, compiled at first use and whenever a source is newer. */
export interface Binaries {
  readonly loadgen: string
  readonly backend: string
}

const sources = join(import.meta.dirname, '..', 'c')
const target = join(import.meta.dirname, '..', 'bin')
const NEEDS = 'The bench needs gcc, libc6-dev and libssl-dev (Debian: apt-get install gcc libc6-dev libssl-dev).'

/** Returns the paths of both programs. Throws with what to install when they cannot be built. */
export async function compileLoad(): Promise<Binaries> {
  const [loadgen, backend] = await Promise.all([build('loadgen', ['-lssl', '-lcrypto']), build('backend', [])])
  return { loadgen, backend }
}

async function build(program: string, libraries: readonly string[]): Promise<string> {
  const files = readdirSync(sources).filter((name) => name.startsWith(program))
  const output = join(target, program)
  const newest = Math.max(...files.map((name) => statSync(join(sources, name)).mtimeMs))
  if ((statSync(output, { throwIfNoEntry: false })?.mtimeMs ?? 0) > newest) return output

  mkdirSync(dirname(output), { recursive: true })
  const units = files.filter((name) => name.endsWith('.c')).map((name) => join(sources, name))
  // Under another name first: somebody else's run may be using the old one.
  const fresh = `${output}.${process.pid}`
  await gcc(['-O2', '-Wall', '-o', fresh, ...units, ...libraries])
  renameSync(fresh, output)
  return output
}

async function gcc(args: readonly string[]): Promise<void> {
  const child = spawn('gcc', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const complaints = text(child.stderr)
  try {
    await once(child, 'spawn')
  } catch (error) {
    throw new Error(`gcc cannot be started. ${NEEDS}`, { cause: error })
  }
  const [status] = await once(child, 'close')
  if (status !== 0) throw new Error(`gcc failed. ${NEEDS}\n${await complaints}`)
}
