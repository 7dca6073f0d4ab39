import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideMailOwner, type MailOwner, type SystemIds } from './mail-owner.ts'

const SYSTEM: SystemIds = {
  user: async (name) => await Promise.resolve(name === 'vmail' ? { uid: 5000, gid: 5001 } : undefined),
  group: async (name) => await Promise.resolve(name === 'mail' ? 8 : undefined),
}
const ROOT: MailOwner = { uid: 0, gid: 0 }
const VMAIL: MailOwner = { uid: 5000, gid: 5001 }

const cases: readonly {
  why: string
  fields?: Record<string, string>
  settings?: Partial<Parameters<typeof decideMailOwner>[1]>
  self?: MailOwner
  is: string
}[] = [
  { why: 'numbers of the userdb', fields: { uid: '1000', gid: '1001' }, is: '1000:1001' },
  { why: 'names', fields: { uid: 'vmail', gid: 'mail' }, is: '5000:8' },
  { why: "a name brings its account's group", fields: { uid: 'vmail' }, is: '5000:5001' },
  { why: 'a number brings none', fields: { uid: '1000' }, is: 'User is missing GID (see mail_gid setting)' },
  { why: 'settings', settings: { mail_uid: 'vmail', mail_gid: '7' }, is: '5000:7' },
  {
    why: 'the userdb stands above them',
    fields: { uid: '1000' },
    settings: { mail_uid: '5', mail_gid: '7' },
    is: '1000:7',
  },
  { why: 'root is nobody’s mail owner by accident', is: 'User is missing UID (see mail_uid setting)' },
  { why: 'without root the server is it', self: VMAIL, is: '5000:5001' },
  { why: 'also below first_valid_uid', self: { uid: 100, gid: 100 }, is: '100:100' },
  { why: 'and when the userdb says the same', self: VMAIL, fields: { uid: '5000' }, is: '5000:5001' },
  {
    why: 'too small',
    fields: { uid: '8', gid: '8' },
    is: 'Mail access for users with UID 8 not permitted (see first_valid_uid in config file, 500).',
  },
  {
    why: 'too large',
    fields: { uid: '9000', gid: '8' },
    settings: { last_valid_uid: 8000 },
    is: 'Mail access for users with UID 9000 not permitted (see first_valid_uid in config file, 500 to 8000).',
  },
  {
    why: 'the group of root',
    fields: { uid: '1000', gid: '0' },
    is: 'Mail access for users with GID 0 not permitted (see first_valid_gid in config file, 1).',
  },
  {
    why: 'an unknown name',
    fields: { uid: 'nobody-here' },
    is: 'User has invalid UID: nobody-here (user does not exist)',
  },
  { why: 'an unknown group', fields: { uid: '1000', gid: 'x' }, is: 'User has invalid GID: x (group does not exist)' },
]

for (const { why, fields = {}, settings, self = ROOT, is } of cases) {
  test(`whose rights mail is opened with: ${why}`, async () => {
    const all = {
      mail_uid: '',
      mail_gid: '',
      first_valid_uid: 500,
      last_valid_uid: 0,
      first_valid_gid: 1,
      last_valid_gid: 0,
      ...settings,
    }
    const outcome = await decideMailOwner(new Map(Object.entries(fields)), all, SYSTEM, self).then(
      ({ uid, gid }) => `${uid}:${gid}`,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    )
    assert.equal(outcome, is)
  })
}
