import type { Settings } from '../settings/index.ts'
import { splitList } from '../value/number.ts'
import type { Finding } from './finding.ts'

/** Settings that take words of a fixed list, and what Dovecot calls such a word. */
const WORDS = [
  {
    path: 'imap_client_workarounds',
    noun: 'workaround',
    words: ['delay-newmail', 'tb-extra-mailbox-sep', 'tb-lsub-flags'],
  },
  { path: 'pop3_client_workarounds', noun: 'workaround', words: ['outlook-no-nuls', 'oe-ns-eoh'] },
  { path: 'lmtp_client_workarounds', noun: 'workaround', words: ['whitespace-before-path', 'mailbox-for-path'] },
  {
    path: 'submission_client_workarounds',
    noun: 'workaround',
    words: ['whitespace-before-path', 'mailbox-for-path', 'implicit-auth-external', 'exotic-backend'],
  },
  { path: 'managesieve_client_workarounds', noun: 'workaround', words: [] },
  { path: 'dsync_features', noun: 'feature', words: ['empty-header-workaround'] },
  { path: 'pop3c_features', noun: 'feature', words: ['no-pipelining'] },
  {
    path: 'imapc_features',
    noun: 'feature',
    words:
      'rfc822.size fetch-headers gmail-migration search zimbra-workarounds no-examine proxyauth fetch-msn-workarounds fetch-fix-broken-mails modseq delay-login fetch-bodystructure send-id fetch-empty-is-expunged no-msn-updates acl no-metadata no-qresync'.split(
        ' ',
      ),
    prefixes: ['throttle:'],
  },
  {
    path: 'mail_attachment_detection_options',
    noun: 'option',
    words: ['add-flags', 'add-flags-on-save', 'no-flags-on-fetch', 'exclude-inlined'],
    prefixes: ['content-type='],
  },
] as const satisfies readonly {
  readonly path: keyof Settings
  readonly noun: string
  readonly words: readonly string[]
  readonly prefixes?: readonly string[]
}[]

/** Complains about the first unknown word of each such setting. */
export function checkWords(settings: Settings): readonly Finding[] {
  return WORDS.flatMap((rule) => {
    const value = settings[rule.path]
    const given = typeof value === 'string' ? splitList(value, ', ') : value
    const known: readonly string[] = rule.words
    const prefixes: readonly string[] = 'prefixes' in rule ? rule.prefixes : []
    const unknown = given.find((word) => !known.includes(word) && !prefixes.some((prefix) => word.startsWith(prefix)))
    return unknown === undefined ? [] : [{ text: `${rule.path}: Unknown ${rule.noun}: ${unknown}`, path: rule.path }]
  })
}
