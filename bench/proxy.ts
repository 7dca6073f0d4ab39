import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BenchOptions, parseBenchArgs, USAGE, UsageError } from './args.ts'
import { peersCalled, QUICK_PEERS } from './peers/index.ts'
import { jsonReport } from './report/json.ts'
import { describeMachine } from './report/machine.ts'
import { markdownReport, withResults } from './report/markdown.ts'
import { textReport } from './report/table.ts'
import type { Results } from './results.ts'
import { runBench } from './run.ts'

/**
 * `npm run bench:proxy`: Postern beside other mail proxies, in front of one fast backend, from one interleaved run.
 * docs/performance.md says what is measured and how.
 */

const root = join(import.meta.dirname, '..')

function report(options: BenchOptions, results: Results): void {
  const peers = peersCalled(options.peers, options.postern ?? root)
  const say = options.json ? console.error : console.log
  say(`\n${describeMachine(peers)}\n\n${textReport(results, options.metrics, peers)}`)
  if (options.write) {
    const file = join(root, 'docs', 'performance.md')
    const run = { date: new Date().toISOString().slice(0, 10), machine: describeMachine(peers), pace: options.pace }
    writeFileSync(file, withResults(readFileSync(file, 'utf8'), markdownReport(results, options.metrics, peers, run)))
    say(`\nWritten to ${file}`)
  }
  if (options.json) {
    const names = options.quick ? QUICK_PEERS : options.peers
    console.log(JSON.stringify(jsonReport(results, options.metrics, names)))
  }
}

async function main(): Promise<void> {
  const options = parseBenchArgs(process.argv.slice(2))
  if (options.help) return console.log(USAGE)
  const began = performance.now()
  const tell = (text: string) =>
    console.error(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${text}`)
  report(options, await runBench(options, root, tell))
}

// What was started is killed when this process exits (processes.ts).
for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.on(signal, () => process.exit(status))
}

try {
  await main()
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\n\n${USAGE}` : error)
  process.exitCode = error instanceof UsageError ? 64 : 1
}
