import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { makeTempDir, removeTempDir } from '../../../../test/support/temp-dir.ts'
import { mailboxFormatSuite, type FormatUnderTest } from '../../../../test/suites/mailbox-format.ts'
import type { MailLocation } from '../format.ts'
import { openMaildirFormat } from './index.ts'

const LOCATIONS: Readonly<Record<string, (dir: string) => Partial<MailLocation>>> = {
  'maildir, Maildir++': () => ({}),
  'maildir, Maildir++ with CONTROL, INDEX and UTF-8': (dir) => ({
    controlPath: join(dir, 'control'),
    indexPath: join(dir, 'index'),
    options: new Map([['UTF-8', '']]),
  }),
  'maildir, LAYOUT=fs': () => ({ layout: 'fs' }),
  'maildir, LAYOUT=fs with MAILBOXDIR, CONTROL and NO-NOSELECT': (dir) => ({
    layout: 'fs',
    controlPath: join(dir, 'control'),
    options: new Map([
      ['MAILBOXDIR', 'boxes'],
      ['NO-NOSELECT', ''],
    ]),
  }),
}

for (const [name, location] of Object.entries(LOCATIONS)) {
  mailboxFormatSuite({ name, open: (t) => openIn(t, location) })
}

function openIn(t: TestContext, location: (dir: string) => Partial<MailLocation>): FormatUnderTest {
  const dir = makeTempDir('maildir')
  t.after(() => removeTempDir(dir))
  return {
    format: openMaildirFormat(),
    location: {
      format: 'maildir',
      path: join(dir, 'Maildir'),
      layout: 'maildir++',
      inboxPath: undefined,
      indexPath: undefined,
      indexPrivatePath: undefined,
      controlPath: undefined,
      options: new Map(),
      ...location(dir),
    },
  }
}
