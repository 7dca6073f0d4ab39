import { relative } from 'node:path'
import { run } from 'node:test'
import { inspect } from 'node:util'

/** One file takes at most this long; then it hangs. */
const FILE_MS = 5 * 60_000
/** The machines that run this have two cores, and half of the files mostly wait. */
const FILES_AT_ONCE = 3

/** The parts of node:test's events that are read here. */
interface TestEvent {
  readonly name: string
  readonly nesting: number
  readonly file?: string | undefined
  readonly skip?: string | boolean
  readonly details: { readonly duration_ms: number; readonly error?: Error }
}

interface Problem {
  readonly where: string
  readonly text: string
}

/** Runs test files, each in its own process, and prints a line a file, the failures whole, what was skipped and why. */
export async function runTests(files: readonly string[]): Promise<boolean> {
  const report = new Report()
  for await (const { type, data } of run({ files: [...files], concurrency: FILES_AT_ONCE, timeout: FILE_MS })) {
    switch (type) {
      case 'test:start':
        report.started(data)
        break
      case 'test:pass':
        report.passed(data)
        break
      case 'test:fail':
        report.failed(data as TestEvent)
        break
      case 'test:stdout':
      case 'test:stderr':
        report.said(data.file, data.message)
        break
      case 'test:diagnostic':
        report.noted(data.nesting, data.message)
        break
      case 'test:summary':
        if (data.file !== undefined)
          report.fileDone(data.file, data.counts.tests, data.counts.skipped, data.duration_ms)
        break
    }
  }
  return report.finish()
}

class Report {
  readonly #failures: Problem[] = []
  /** Reason → where. */
  readonly #skips = new Map<string, string[]>()
  readonly #path = new Map<string, string[]>()
  readonly #output = new Map<string, string>()
  readonly #summary: string[] = []
  readonly #done = new Set<string>()

  started({ file = '', nesting, name }: { file?: string | undefined; nesting: number; name: string }): void {
    const path = this.#path.get(file) ?? []
    path.splice(nesting, path.length, name)
    this.#path.set(file, path)
  }

  passed(event: TestEvent): void {
    if (event.skip === undefined || event.skip === false) return
    const reason = typeof event.skip === 'string' ? event.skip : 'no reason given'
    this.#skips.set(reason, [...(this.#skips.get(reason) ?? []), this.#where(event)])
  }

  failed(event: TestEvent): void {
    const { error } = event.details
    const failureType = (error as { failureType?: string } | undefined)?.failureType
    if (failureType === 'subtestsFailed') return
    const cause = error?.cause instanceof Error ? error.cause : error
    this.#failures.push({ where: this.#where(event), text: inspect(cause, { depth: 4 }) })
  }

  said(file: string | undefined, message: string): void {
    const key = file ?? ''
    // Last words of a file that passed.
    if (this.#done.has(key)) return
    this.#output.set(key, (this.#output.get(key) ?? '') + message)
  }

  noted(nesting: number, message: string): void {
    if (nesting === 0) this.#summary.push(message)
  }

  fileDone(file: string, tests: number, skipped: number, durationMs: number): void {
    const name = relative(process.cwd(), file)
    const bad = this.#failures.some(({ where }) => where.startsWith(name))
    const counts = skipped === 0 ? `${tests} tests` : `${tests} tests, ${skipped} skipped`
    console.log(`${bad ? '✖' : '✔'} ${name} (${counts}, ${(durationMs / 1000).toFixed(1)} s)`)
    const output = this.#output.get(file)
    if (bad && output !== undefined) console.log(indent(output.trimEnd()))
    this.#output.delete(file)
    this.#done.add(file)
  }

  finish(): boolean {
    // A file that broke before its first test has no summary of its own.
    for (const [file, output] of this.#output) {
      console.log(`✖ ${relative(process.cwd(), file)} said, and came to no end:\n${indent(output.trimEnd())}`)
    }
    for (const { where, text } of this.#failures) console.log(`\n✖ ${where}\n${indent(text)}`)
    if (this.#skips.size > 0) console.log('\nSkipped:')
    for (const [reason, places] of this.#skips) {
      const [first = ''] = places
      console.log(`  ${places.length} × ${reason}\n      ${first}${places.length > 1 ? ' ...' : ''}`)
    }
    console.log('')
    for (const line of this.#summary) console.log(`ℹ ${line}`)
    return this.#failures.length === 0
  }

  #where(event: TestEvent): string {
    const { file = '', nesting, name } = event
    const above = (this.#path.get(file) ?? []).slice(0, nesting)
    return [relative(process.cwd(), file), ...above, name].join(' › ')
  }
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}
