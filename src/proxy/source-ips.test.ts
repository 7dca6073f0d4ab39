import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silent } from '../observe/events.ts'
import { createSourceIps, type SourceIpsOptions } from './source-ips.ts'

const V4 = '10.9.9.9'

async function take(
  setting: readonly string[],
  options: Partial<SourceIpsOptions> = {},
  backend = V4,
): Promise<readonly (string | undefined)[]> {
  const lookUp = async (name: string): Promise<readonly string[]> => {
    if (name === 'out.example') return ['192.0.2.1', '2001:db8::1', '192.0.2.2']
    throw new Error(`${name} not found`)
  }
  const sources = createSourceIps({ observer: silent, lookUp, random: () => 0, ...options })
  const taken: (string | undefined)[] = []
  for (let i = 0; i < 4; i++) taken.push(await sources.next(setting, backend))
  return taken
}

const canBind = async (ip: string): Promise<boolean> => ip !== '10.0.0.1'

const rows: readonly {
  why: string
  setting: readonly string[]
  options?: Partial<SourceIpsOptions>
  backend?: string
  is: readonly (string | undefined)[]
}[] = [
  { why: 'no list', setting: [], is: [undefined, undefined, undefined, undefined] },
  {
    why: 'round robin',
    setting: ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
    is: ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.1'],
  },
  {
    why: 'from a random start',
    setting: ['10.0.0.1', '10.0.0.2'],
    options: { random: () => 0.5 },
    is: ['10.0.0.2', '10.0.0.1', '10.0.0.2', '10.0.0.1'],
  },
  {
    why: 'without ? unusable addresses stay',
    setting: ['10.0.0.1', '10.0.0.2'],
    options: { canBind },
    is: ['10.0.0.1', '10.0.0.2', '10.0.0.1', '10.0.0.2'],
  },
  {
    why: 'with ? they are skipped',
    setting: ['?10.0.0.1', '10.0.0.2'],
    options: { canBind },
    is: ['10.0.0.2', '10.0.0.2', '10.0.0.2', '10.0.0.2'],
  },
  {
    why: 'a ? that stands alone',
    setting: ['?', '10.0.0.1', '10.0.0.2'],
    options: { canBind },
    is: ['10.0.0.2', '10.0.0.2', '10.0.0.2', '10.0.0.2'],
  },
  {
    why: 'with ? and nothing usable the system chooses',
    setting: ['?10.0.0.1'],
    options: { canBind },
    is: [undefined, undefined, undefined, undefined],
  },
  {
    why: 'every address of a name, of the right family',
    setting: ['out.example'],
    is: ['192.0.2.1', '192.0.2.2', '192.0.2.1', '192.0.2.2'],
  },
  {
    why: 'the other family',
    setting: ['out.example'],
    backend: '::1',
    is: ['2001:db8::1', '2001:db8::1', '2001:db8::1', '2001:db8::1'],
  },
  {
    why: 'a name that cannot be resolved is left out',
    setting: ['gone.example', '10.0.0.2'],
    is: ['10.0.0.2', '10.0.0.2', '10.0.0.2', '10.0.0.2'],
  },
]

for (const { why, setting, options, backend, is } of rows) {
  test(`login_source_ips: ${why}`, async () => assert.deepEqual(await take(setting, options, backend), is))
}

test('the kernel is asked what can be bound', async () => {
  assert.deepEqual(await take(['?203.0.113.77', '127.0.0.9']), ['127.0.0.9', '127.0.0.9', '127.0.0.9', '127.0.0.9'])
})

test('names are resolved once', async () => {
  let asked = 0
  const lookUp = async (): Promise<readonly string[]> => {
    asked++
    return ['192.0.2.1']
  }
  const sources = createSourceIps({ observer: silent, lookUp })
  const setting = ['out.example']
  await sources.prepare(setting)
  await Promise.all([1, 2, 3].map(async () => await sources.next(setting, V4)))
  assert.equal(asked, 1)
})
