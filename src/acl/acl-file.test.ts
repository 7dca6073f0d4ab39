import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ACL_FILE_LIMITS, parseAclFile, problemText, writeAclFile } from './acl-file.ts'

function parse(content: string | Buffer, isStrict = true, hasPatterns = false): string {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content
  const parsed = parseAclFile(bytes, { path: '/f', isStrict, hasPatterns })
  return parsed.kind === 'broken'
    ? problemText(parsed.problem, hasPatterns)
    : writeAclFile(parsed.lines).toString('latin1')
}

const files: [content: string | Buffer, result: string, why: string][] = [
  ['', '', 'an empty file'],
  ['\n\n# a comment\nowner l', 'owner l\n', 'empty lines and comments, and no last line feed'],
  ['owner l\r\nuser=joe r\r\n', 'owner l\nuser=joe r\n', 'CR before LF'],
  ['user=joe r\rx\n', "ACL file /f line 1: Unknown ACL '\r'", 'CR elsewhere'],
  [
    'group-override=g l\n-user=b w\nuser=b lr\nowner l\nuser=a\n-group=g x\ngroup=g l\nauthenticated l\nanyone l\n',
    'anyone l\nauthenticated l\ngroup=g l\n-group=g x\nowner l\nuser=a \nuser=b lr\n-user=b w\ngroup-override=g l\n',
    'written in the order of strength and names, positive before negative',
  ],
  [
    'group=staff lr\n-group=staff w\nowner srla\nuser=alice@ex.test lra\nuser=b kxte\n"user=bob smith" rl\nuser=bob@ex.test\n',
    'group=staff lr\n-group=staff w\nowner alrs\nuser=alice@ex.test alr\nuser=b kxet\n"user=bob smith" lr\nuser=bob@ex.test \n',
    'as Dovecot writes it',
  ],
  ['owner l\nuser=joe z\nbad\n', "ACL file /f line 2: Unknown ACL 'z'", 'the first bad line is told'],
  ['owner l\n # no\n', "ACL file /f line 2: Unknown ID ''", 'a comment begins at the first byte'],
  ['user=\xff\xfe l\n', 'user=\xff\xfe l\n', 'bytes that are no UTF-8 stay'],
  ['owner l\0\n', 'ACL file /f line 1: NUL character in line', 'NUL would end the line for C'],
  [
    Buffer.alloc(ACL_FILE_LIMITS.lineBytes + 1, 'a'),
    'ACL file /f line 1: Line is longer than 8192 bytes',
    'a long line',
  ],
  [Buffer.alloc(ACL_FILE_LIMITS.fileBytes + 1, '\n'), 'ACL file /f: File is larger than 4194304 bytes', 'a large file'],
]

for (const [content, result, why] of files) test(`file: ${why}`, () => assert.equal(parse(content), result))

test('unknown letters: a warning each line, all else counts', () => {
  const parsed = parseAclFile(Buffer.from('owner l\nuser=joe lrz\n'), { path: '/f', isStrict: false })
  assert.ok(parsed.kind === 'lines')
  assert.deepEqual(parsed.warnings, [{ path: '/f', line: 2, reason: "Unknown ACL 'z' ignored" }])
  assert.equal(writeAclFile(parsed.lines).toString(), 'owner l\nuser=joe lrz\n')
  assert.equal(parse('owner l\nuser=joe lrz\n', true), "ACL file /f line 2: Unknown ACL 'z'")
})

const globals: [content: string, result: string, why: string][] = [
  ['* owner lr\n"with space" user=joe l\n', 'owner lr\nuser=joe l\n', 'patterns, also quoted'],
  ['*', 'Global ACL file /f line 1: Missing ACL rights', 'only a pattern'],
  [' * owner l', 'Global ACL file /f line 1: Empty ACL pattern', 'a leading space'],
  ['"open owner l', `Global ACL file /f line 1: Missing '"'`, 'no end'],
  ['"x"owner l', `Global ACL file /f line 1: Expecting space after '"'`, 'no space'],
  ['*  owner l', "Global ACL file /f line 1: Unknown ID ''", 'two spaces'],
  ['*\towner l', "Global ACL file /f line 1: Unknown ID 'l'", 'a tab is part of the pattern'],
  ['* owner lz', "Global ACL file /f line 1: Unknown ACL 'z'", 'a bad entry'],
  ['# x\n\n* owner l', 'owner l\n', 'comments and empty lines'],
]

for (const [content, result, why] of globals) {
  test(`global file: ${why}`, () => assert.equal(parse(content, true, true), result))
}

test('lines know where they were read', () => {
  const parsed = parseAclFile(Buffer.from('#\nfoo/* owner l\n'), { path: '/g', isStrict: true, hasPatterns: true })
  assert.ok(parsed.kind === 'lines')
  assert.deepEqual(parsed.lines[0]?.origin, { path: '/g', line: 2, pattern: 'foo/*' })
})
