import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { skipWithoutRedis, startRedis } from '../../../test/peers/redis.ts'
import { makeTempDir, removeTempDir } from '../../../test/support/temp-dir.ts'
import type { SharedDict } from '../../acl/visibility/shared-dict.ts'
import { openAclDict } from './shared-dicts.ts'

const KEYS = ['shared/shared-boxes/user/bob/alice', 'shared/shared-boxes/anyone/alice']
const log = (): void => undefined

function place(t: TestContext): string {
  const dir = makeTempDir('dicts')
  t.after(() => removeTempDir(dir))
  return dir
}

function opened(uri: string, named: Readonly<Record<string, string>> = {}): SharedDict {
  const dict = openAclDict(uri, { named: new Map(Object.entries(named)), log })
  if (typeof dict === 'string') assert.fail(dict)
  return dict
}

/** Says something, reads it back, takes it back. */
async function useIt(dict: SharedDict): Promise<void> {
  await dict.change({ set: KEYS, unset: [] })
  await dict.change({ set: KEYS, unset: [] })
  assert.deepEqual((await dict.keys('shared/shared-boxes/')).toSorted(), KEYS.toSorted())
  assert.deepEqual(await dict.keys('shared/shared-boxes/user/bob/'), [KEYS[0]])
  await dict.change({ set: [], unset: [KEYS[0] ?? ''] })
  assert.deepEqual(await dict.keys('shared/shared-boxes/'), [KEYS[1]])
}

test('who shares what can be kept in a file', async (t) => {
  await useIt(opened(`file:${place(t)}/shares`))
})

test('in SQL, behind a name of the dict block', async (t) => {
  const dir = place(t)
  const database = new DatabaseSync(join(dir, 'shares.sqlite'))
  database.exec(`CREATE TABLE user_shares (from_user TEXT, to_user TEXT, dummy CHAR(1) DEFAULT '1', PRIMARY KEY (from_user, to_user));
CREATE TABLE group_shares (from_user TEXT, to_group TEXT, dummy CHAR(1) DEFAULT '1', PRIMARY KEY (from_user, to_group));
CREATE TABLE anyone_shares (from_user TEXT PRIMARY KEY, dummy CHAR(1) DEFAULT '1');`)
  database.close()
  const conf = join(dir, 'dict-sql.conf.ext')
  writeFileSync(
    conf,
    `connect = ${dir}/shares.sqlite\nmap {\n  pattern = shared/shared-boxes/user/$to/$from\n  table = user_shares\n}\n`,
  )
  await useIt(opened('proxy::acl', { acl: `sqlite:${conf}` }))
})

test('in Redis', { skip: skipWithoutRedis() }, async (t) => {
  const redis = await startRedis()
  t.after(() => redis.stop())
  await useIt(opened(`redis:host=127.0.0.1:port=${redis.port}:password=secret:prefix=acl/`))
})

for (const [uri, complaint] of [
  ['nothing', /missing ':'/],
  ['memcached:host=x', /Unknown dict module: memcached/],
  ['proxy::other', /there is no dict other/],
  ['mysql:/no/such/file', /ENOENT/],
  ['redis:hots=x', /Unknown parameter/],
] as const) {
  test(`${uri} is said to be wrong`, () => {
    const dict = openAclDict(uri, { named: new Map(), log })
    assert.match(typeof dict === 'string' ? dict : 'it was opened', complaint)
  })
}
