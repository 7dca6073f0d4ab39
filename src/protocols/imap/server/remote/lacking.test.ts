import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lackingText } from './lacking.ts'

test('what a server does not know is said once', () => {
  const old = new Set(['IMAP4REV1', 'IDLE', 'UIDPLUS', 'ENABLE', 'UNSELECT', 'ESEARCH'])
  assert.match(lackingText('old.test:143', old) ?? '', /old\.test:143 does not know MOVE CONDSTORE QRESYNC:/)
  assert.equal(lackingText('old.test:143', old), undefined)
  assert.equal(lackingText('new.test:143', new Set([...old, 'MOVE', 'CONDSTORE', 'QRESYNC'])), undefined)
})
