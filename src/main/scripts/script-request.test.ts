import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readScriptRequest, writeScriptRequest } from './script-request.ts'

test('a request is read as it was written', () => {
  const words = ['95', 'joe', 'a b', '', 'tab\tand\u0001one', 'line\nend', 'Grüße']
  const asked = words.filter((word) => word !== '')
  const read = readScriptRequest(Buffer.from(writeScriptRequest(asked)))
  assert.ok(typeof read === 'object')
  assert.deepEqual(read.request, { words: asked, isSilent: true })
})

test('requests of other programs are read as Dovecot reads them', () => {
  const rows: { why: string; text: string; read: unknown }[] = [
    {
      why: 'with input',
      text: 'VERSION\tscript\t4\t0\n-\nok\ta\nb c\n\nrest',
      read: [['ok\ta', 'b c'], false, 'rest'],
    },
    { why: 'a newer minor version', text: 'VERSION\tscript\t4\t9\n-\nok\n\n', read: [['ok'], false, ''] },
    {
      why: 'options before',
      text: 'VERSION\tscript\t4\t0\nalarm=1\nenv_A=b\nnoreply\nok\n\n',
      read: [['ok'], true, ''],
    },
    { why: 'no arguments', text: 'VERSION\tscript\t4\t0\n-\n\n', read: [[], false, ''] },
    { why: 'another version', text: 'VERSION\tscript\t3\t0\n-\nok\n\n', read: 'broken' },
    { why: 'something else', text: 'GET / HTTP/1.1\n\n', read: 'broken' },
    { why: 'the beginning', text: 'VERS', read: 'incomplete' },
    { why: 'not all of it', text: 'VERSION\tscript\t4\t0\n-\nok\n', read: 'incomplete' },
  ]
  for (const { why, text, read } of rows) {
    const got = readScriptRequest(Buffer.from(text))
    const plain = typeof got === 'string' ? got : [got.request.words, got.request.isSilent, got.rest.toString()]
    assert.deepEqual(plain, read, why)
  }
})
