import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConfigFiles } from '../config/files.ts'
import { recordFiles, throughSnapshot } from './config-snapshot.ts'

function disk(files: Map<string, string>): ConfigFiles {
  return {
    read(path) {
      const text = files.get(path)
      if (text === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
      return text
    },
    glob: () => [...files.keys()],
  }
}

test('a snapshot gives the bytes that were recorded, not those of now', () => {
  const files = new Map([['/a', 'one']])
  const { files: recorded, snapshot } = recordFiles(disk(files))
  assert.equal(recorded.read('/a').toString(), 'one')
  files.set('/a', 'two')
  const copy = structuredClone(snapshot)
  assert.equal(throughSnapshot(copy, disk(files)).read('/a').toString(), 'one')
})

test('a file that was missing stays missing, with its code', () => {
  const files = new Map<string, string>()
  const { files: recorded, snapshot } = recordFiles(disk(files))
  assert.throws(() => recorded.read('/b'), { code: 'ENOENT' })
  files.set('/b', 'now there')
  assert.throws(() => throughSnapshot(structuredClone(snapshot), disk(files)).read('/b'), { code: 'ENOENT' })
})

test('what the snapshot never saw is read and remembered', () => {
  const files = new Map([['/c', 'first']])
  const { snapshot } = recordFiles(disk(files))
  const reader = throughSnapshot(snapshot, disk(files))
  assert.equal(reader.read('/c').toString(), 'first')
  files.set('/c', 'second')
  assert.equal(reader.read('/c').toString(), 'first')
})
