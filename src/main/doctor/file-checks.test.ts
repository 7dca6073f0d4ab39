import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { memoryFiles } from '../../../test/support/memory-files.ts'
import { makeTempDir, removeTempDir } from '../../../test/support/temp-dir.ts'
import { loadConfig } from '../../config/load.ts'
import { checkFiles } from './file-checks.ts'

function tempDir(t: TestContext): string {
  const dir = makeTempDir('files')
  t.after(() => removeTempDir(dir))
  return dir
}

function check(lines: readonly string[]): readonly string[] {
  const { config, complaints } = loadConfig({ path: 'conf', files: memoryFiles({ conf: `${lines.join('\n')}\n` }) })
  assert.ok(config, complaints.map(({ text }) => text).join())
  return checkFiles(config).map(({ severity, text, at }) => `${severity} ${at?.line ?? '-'}: ${text}`)
}

test('log files and directories that will do', (t) => {
  const dir = tempDir(t)
  writeFileSync(join(dir, 'old.log'), '')
  for (const log of ['syslog', '/dev/stderr', join(dir, 'old.log'), join(dir, 'new.log')]) {
    assert.deepEqual(check([`log_path = ${log}`, `base_dir = ${dir}/run/deep`]), [], log)
  }
})

test('and those that will not', (t) => {
  const dir = tempDir(t)
  writeFileSync(join(dir, 'file'), '')
  const sound = `base_dir = ${dir}`
  const rows: readonly [lines: readonly string[], expected: string, why: string][] = [
    [[sound, `log_path = ${dir}`], `error 2: log_path cannot be written: ${dir} is a directory`, 'a directory'],
    [
      [sound, `info_log_path = ${dir}/none/log`],
      `error 2: info_log_path cannot be written: ${dir}/none is no directory`,
      'a directory that is not there',
    ],
    [
      [`base_dir = ${dir}/file`],
      `warning 1: base_dir cannot be used: ${dir}/file is no directory; without a control socket, doveadm cannot reach the server`,
      'a file for a directory',
    ],
    [
      [`base_dir = ${dir}/${'x'.repeat(100)}`],
      `warning 1: the path of the control socket is longer than 107 bytes, so doveadm cannot reach the server: ${dir}/${'x'.repeat(100)}/postern-control`,
      'a path that no socket can have',
    ],
  ]
  for (const [lines, expected, why] of rows) assert.deepEqual(check(lines), [expected], why)
})

const isRoot = process.getuid?.() === 0

test('without the right to write', { skip: isRoot && 'root may write everywhere' }, (t) => {
  const dir = tempDir(t)
  const closed = join(dir, 'closed')
  mkdirSync(closed)
  chmodSync(closed, 0o500)
  assert.deepEqual(check([`base_dir = ${dir}`, `log_path = ${closed}/log`]), [
    `error 2: log_path cannot be written: ${closed}: permission denied`,
  ])
})
