import { resolve } from 'node:path'
import { run } from 'node:test'
import { Report, type TestEvent } from './report.ts'

/** One file takes at most this long; then it hangs. */
const FILE_MS = 5 * 60_000
/** For what comes after the tests of a file, `after` hooks of one that hangs among them. */
const GRACE_MS = 15_000
/** The machines that run this have two cores, and half of the files mostly wait. */
const FILES_AT_ONCE = 3

/** Runs test files, each in its own process, and prints a line a file, the failures whole, what was skipped and why. */
export async function runTests(files: readonly string[]): Promise<boolean> {
  const report = new Report()
  const waiting = [...files]
  const lane = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) await runFile(file, report)
  }
  await Promise.all(Array.from({ length: FILES_AT_ONCE }, lane))
  return report.finish()
}

async function runFile(name: string, report: Report): Promise<void> {
  const file = resolve(name)
  // A test that is out of time fails and leaves its process running; the signal ends that, too.
  const signal = AbortSignal.timeout(FILE_MS + GRACE_MS)
  const from = performance.now()
  for await (const { type, data } of run({ files: [file], timeout: FILE_MS, signal })) {
    switch (type) {
      case 'test:start':
        report.started(file, data)
        break
      case 'test:pass':
        report.passed(file, data)
        break
      case 'test:fail':
        report.failed(file, data as TestEvent)
        break
      case 'test:stdout':
      case 'test:stderr':
        report.said(file, data.message)
        break
      case 'test:summary':
        if (data.file !== undefined) report.fileDone(file, data.counts, data.duration_ms)
        break
    }
  }
  report.fileOver(file, performance.now() - from)
}
