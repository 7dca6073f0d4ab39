import type { ValuesOf } from '../setting.ts'
import { authPolicySettings, authSettings } from './auth.ts'
import { deliverySettings } from './delivery.ts'
import { directorSettings, doveadmSettings, replicationSettings, statsSettings } from './doveadm.ts'
import { generalSettings, logSettings } from './general.ts'
import { imapSettings } from './imap.ts'
import { loginSettings } from './login.ts'
import { mailIndexSettings, mailSettings, mailStorageSettings } from './mail.ts'
import { managesieveSettings } from './managesieve.ts'
import { pop3Settings } from './pop3.ts'
import { posternSettings } from './postern.ts'
import { remoteStorageSettings } from './remote-storage.ts'
import { sslSettings } from './ssl.ts'
import { submissionSettings } from './submission.ts'

/** The groups of top-level settings, in the order of the manual. */
export const settingGroups = [
  { title: 'General', rows: generalSettings },
  { title: 'Logging', rows: logSettings },
  { title: 'Login and proxying', rows: loginSettings },
  { title: 'Authentication', rows: authSettings },
  { title: 'Authentication policy', rows: authPolicySettings },
  { title: 'TLS', rows: sslSettings },
  { title: 'Mail', rows: mailSettings },
  { title: 'Mail storage', rows: mailStorageSettings },
  { title: 'Mail index and cache', rows: mailIndexSettings },
  { title: 'IMAP', rows: imapSettings },
  { title: 'POP3', rows: pop3Settings },
  { title: 'LMTP and delivery', rows: deliverySettings },
  { title: 'Submission', rows: submissionSettings },
  { title: 'ManageSieve', rows: managesieveSettings },
  { title: 'Doveadm', rows: doveadmSettings },
  { title: 'Director', rows: directorSettings },
  { title: 'Replication', rows: replicationSettings },
  { title: 'Statistics', rows: statsSettings },
  { title: 'Remote storage', rows: remoteStorageSettings },
  { title: 'Postern', rows: posternSettings },
] as const

/** Every top-level setting. */
export const settingRows = {
  ...generalSettings,
  ...logSettings,
  ...loginSettings,
  ...authSettings,
  ...authPolicySettings,
  ...sslSettings,
  ...mailSettings,
  ...mailStorageSettings,
  ...mailIndexSettings,
  ...imapSettings,
  ...pop3Settings,
  ...deliverySettings,
  ...submissionSettings,
  ...managesieveSettings,
  ...doveadmSettings,
  ...directorSettings,
  ...replicationSettings,
  ...statsSettings,
  ...remoteStorageSettings,
  ...posternSettings,
} as const

/** All top-level settings of one connection. Durations in milliseconds, sizes in bytes. */
export type Settings = ValuesOf<typeof settingRows>
