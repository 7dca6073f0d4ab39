import { boolean, enumeration, ignored, list, string, uint } from '../setting.ts'

const NO_RAWLOG = 'use login_proxy_rawlog_dir'
const NO_REJECTIONS = 'the sending server tells the sender'

/** LMTP, and what every delivery does. */
export const deliverySettings = {
  lmtp_proxy: boolean('no', 'Ask the passdb whether a recipient lives on another server.'),
  lmtp_save_to_detail_mailbox: boolean('no', 'Deliver user+detail to the mailbox `detail`.'),
  lmtp_rcpt_check_quota: boolean('no', 'Check quota already at RCPT.'),
  lmtp_hdr_delivery_address: enumeration(['final', 'none', 'original'], 'Address in the Delivered-To header.'),
  lmtp_add_received_header: boolean('yes', 'Add a Received header.'),
  lmtp_user_concurrency_limit: uint('0', 'Deliveries to one user at a time; 0 is unlimited.'),
  lmtp_verbose_replies: boolean('no', 'Tell details of failures to the client.'),
  lmtp_client_workarounds: list('', 'whitespace-before-path, mailbox-for-path.'),
  lda_mailbox_autocreate: boolean('no', 'Create a missing mailbox.'),
  lda_mailbox_autosubscribe: boolean('no', 'Subscribe to a mailbox created so.'),
  lda_original_recipient_header: string('', 'Header that holds the original recipient.'),
  lmtp_rawlog_dir: ignored(NO_RAWLOG, string('', 'Directory of transcripts.')),
  lmtp_proxy_rawlog_dir: ignored(NO_RAWLOG, string('', 'Directory of transcripts of the proxy.')),
  sendmail_path: ignored('messages are sent through submission_host', string('/usr/sbin/sendmail', 'Mail program.')),
  rejection_reason: ignored(
    NO_REJECTIONS,
    string('Your message to <%t> was automatically rejected:%n%r', 'Text of a rejection.'),
  ),
  rejection_subject: ignored(NO_REJECTIONS, string('Rejected: %s', 'Subject of a rejection.')),
  master_user_separator: ignored('use auth_master_user_separator', string('', 'Separator in LMTP recipients.')),
} as const
