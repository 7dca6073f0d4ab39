// Configurations with what Postern makes of them: `doveconf -n`, and every complaint. See README.md here.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { describeComplaint } from '../../src/config/complaint.ts'
import { loadConfig } from '../../src/config/load.ts'
import { printConfig } from '../../src/config/print/print-conf.ts'
import { readConfig } from '../../src/config/read.ts'
import { memoryFiles } from '../support/memory-files.ts'

const directory = import.meta.dirname

for (const file of globSync('*.conftest', { cwd: directory }).toSorted()) {
  const [title = '', ...parts] = readFileSync(join(directory, file), 'utf8').split(/^-{4,}.*\n/m)
  const [text = '', listing = '', complaints = ''] = parts
  test(`${basename(file, '.conftest')}: ${title.trim()}`, () => {
    const input = { path: 'conf', files: memoryFiles({ conf: text }), hostname: 'host' }
    const printed = printConfig(readConfig(input, false), {
      scope: 'changed',
      query: undefined,
      parts: [],
      showSecrets: false,
    })
    assert.deepEqual(printed, linesOf(listing))
    const said = loadConfig(input).complaints.map(
      (complaint) => `${complaint.severity} ${describeComplaint(complaint)}`,
    )
    assert.deepEqual(said, linesOf(complaints))
  })
}

function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '')
}
