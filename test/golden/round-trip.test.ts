// `doveconf -nP` is how administrators get a clean configuration: what it prints must mean the same.
import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { printConfig } from '../../src/config/print/print-conf.ts'
import { type ReadConfig, readConfig } from '../../src/config/read.ts'
import { systemFiles } from '../../src/main/config-files.ts'
import { memoryFiles } from '../support/memory-files.ts'

const corpus = join(import.meta.dirname, '..', 'doveconf-corpus')

/** Dovecot's form of a listing loses something here. */
const LOSSY: ReadonlyMap<string, string> = new Map([
  ['filters.conf', 'Dovecot prints several host names of a local_name without quotes'],
  ['obsolete-moved.conf', 'a removed workaround leaves a blank, which the second reading takes away'],
  ['sections-many-passdbs.conf', 'Dovecot prints the tenth entry of a list before the second'],
  ['sections-names.conf', 'Dovecot prints a # in the name of a section without quotes'],
])

function listing(read: ReadConfig): readonly string[] {
  return printConfig(read, { scope: 'changed', query: undefined, parts: [], showSecrets: true })
}

for (const file of globSync(['*.conf', '*/dovecot.conf'], { cwd: corpus }).toSorted()) {
  const read = readConfig({ path: join(corpus, file), files: systemFiles() }, false)
  if ([...read.complaints, ...read.findings].some(({ severity }) => severity === 'error')) continue
  test(`${file} means the same after printing`, { skip: LOSSY.get(file) ?? false }, () => {
    const printed = listing(read)
    const again = readConfig({ path: '/conf', files: memoryFiles({ '/conf': `${printed.join('\n')}\n` }) }, false)
    assert.deepEqual(listing(again), printed)
  })
}
