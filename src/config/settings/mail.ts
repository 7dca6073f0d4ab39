import { boolean, duration, enumeration, hidden, ignored, list, size, string, uint } from '../setting.ts'

const NO_PLUGINS = 'Dovecot plugins cannot be loaded'
const OWN_RIGHTS = 'Postern does not change its user or root directory per session'
const OWN_INDEX = 'Postern has its own index files'
const OWN_LOCKS = 'Postern decides on locks and file access itself'
const NO_ATTACHMENTS = 'messages are stored whole'
const NO_MESSAGES = 'the server sends no messages by itself'
const NO_MBOX = 'mbox files are not written'
const NO_METADATA = 'METADATA is not supported'
const NO_DBOX = 'dbox files are not written'

/** Where a user's mail is and what may be done with it. */
export const mailSettings = {
  mail_location: string('', 'Where mail is, as `format:path:OPTION=value`. May hold variables. Also called `mail`.'),
  mail_home: string('', 'Home directory of users whose userdb has none.'),
  mail_uid: string('', 'System user that owns mail when the userdb has none.'),
  mail_gid: string('', 'System group that owns mail when the userdb has none.'),
  first_valid_uid: uint('500', 'Users with a smaller uid cannot log in.'),
  last_valid_uid: uint('0', 'Users with a larger uid cannot log in; 0 is no limit.'),
  first_valid_gid: uint('1', 'Users with a smaller gid cannot log in.'),
  last_valid_gid: uint('0', 'Users with a larger gid cannot log in; 0 is no limit.'),
  mail_plugins: list('', 'Features to switch on, such as acl or quota.'),
  mail_full_filesystem_access: ignored(
    'mailbox names lead nowhere but into the mail locations',
    boolean('no', 'Let users open any path the system lets them.'),
  ),
  mail_debug: boolean('no', 'Log what happens to mail.'),
  mail_attribute_dict: ignored(NO_METADATA, string('', 'Where METADATA is kept.')),
  mail_server_admin: ignored(NO_METADATA, string('', 'Address of the administrator, for METADATA.')),
  mail_server_comment: ignored(NO_METADATA, string('', 'Comment on the server, for METADATA.')),
  mail_shared_explicit_inbox: boolean('no', 'List the INBOX of a shared user as prefix/user/INBOX.'),
  mailbox_idle_check_interval: duration('30 secs', 'How often a mailbox is looked at during IDLE.'),
  mail_max_keyword_length: uint('50', 'Longest keyword.'),
  mail_save_crlf: boolean('no', 'Store messages with CRLF.'),
  maildir_stat_dirs: ignored('it is always done, at no cost', boolean('no', 'Look whether entries are directories.')),
  maildir_copy_with_hardlinks: boolean('yes', 'Copy messages by linking.'),
  quota_full_tempfail: boolean('no', 'Answer a delivery over quota with a temporary failure.'),
  recipient_delimiter: string('+', 'Character between user and detail in an address.'),
  hostname: string('', 'Host name in replies and messages; empty is the name of the system.'),
  postmaster_address: ignored(
    NO_MESSAGES,
    string('postmaster@%{if;%d;ne;;%d;%{hostname}}', 'Sender of messages the server makes.'),
  ),
  mail_plugin_dir: ignored(NO_PLUGINS, string('/usr/lib/dovecot/modules', 'Directory of plugins.')),
  mail_access_groups: list('', 'Further groups of processes that have the rights of an owner of mail.'),
  mail_privileged_group: ignored(OWN_RIGHTS, string('', 'Group for creating mbox locks.')),
  mail_chroot: ignored(OWN_RIGHTS, string('', 'Root directory of mail processes.')),
  valid_chroot_dirs: ignored(OWN_RIGHTS, string('', 'Directories that may become a root directory.')),
} as const

/** How mail files are written, listed and locked. */
export const mailStorageSettings = {
  mailbox_list_index: ignored(OWN_INDEX, boolean('yes', 'Keep an index of the mailbox list.')),
  mailbox_list_index_include_inbox: ignored(OWN_INDEX, boolean('no', 'Keep INBOX in that index.')),
  mailbox_list_index_very_dirty_syncs: ignored(OWN_INDEX, boolean('no', 'Trust that index without looking.')),
  mail_max_lock_timeout: duration('0', 'Longest wait for a lock; 0 is two minutes.'),
  mail_fsync: enumeration(['optimized', 'always', 'never'], 'When files are flushed to disk.'),
  mmap_disable: ignored(OWN_LOCKS, boolean('no', 'Do not map files into memory.')),
  dotlock_use_excl: ignored(OWN_LOCKS, boolean('yes', 'Create lock files with O_EXCL.')),
  mail_nfs_storage: ignored(OWN_LOCKS, boolean('no', 'Flush NFS caches of mail.')),
  mail_nfs_index: ignored(OWN_LOCKS, boolean('no', 'Flush NFS caches of indexes.')),
  lock_method: ignored(OWN_LOCKS, enumeration(['fcntl', 'flock', 'dotlock'], 'How index files are locked.')),
  mail_prefetch_count: ignored(OWN_LOCKS, uint('0', 'Messages opened ahead.')),
  mail_temp_dir: ignored(OWN_LOCKS, string('/tmp', 'Directory of temporary files.')),
  mail_temp_scan_interval: ignored(OWN_LOCKS, duration('1 weeks', 'How often old temporary files are removed.')),
  mail_sort_max_read_count: ignored(OWN_INDEX, uint('0', 'Messages read from disk for one SORT.')),
  mail_vsize_bg_after_count: ignored(OWN_INDEX, uint('0', 'Count sizes in the background from this many messages.')),
  mail_attachment_dir: ignored(NO_ATTACHMENTS, string('', 'Directory of attachments stored apart.')),
  mail_attachment_min_size: ignored(NO_ATTACHMENTS, size('128 k', 'Smallest attachment stored apart.')),
  mail_attachment_fs: ignored(NO_ATTACHMENTS, string('sis posix', 'How attachments are stored.')),
  mail_attachment_hash: ignored(NO_ATTACHMENTS, string('%{sha1}', 'Hash that names attachments.')),
  mail_attachment_detection_options: ignored(NO_ATTACHMENTS, string('', 'How attachments are recognised.')),
  maildir_very_dirty_syncs: ignored(OWN_LOCKS, boolean('no', 'Look at cur/ only when needed.')),
  maildir_broken_filename_sizes: boolean('no', 'Do not trust sizes (S=, W=) in file names.'),
  maildir_empty_new: ignored(OWN_LOCKS, boolean('no', 'Always move messages out of new/.')),
  mbox_read_locks: ignored(NO_MBOX, string('fcntl', 'Locks for reading mbox.')),
  mbox_write_locks: ignored(NO_MBOX, string('fcntl dotlock', 'Locks for writing mbox.')),
  mbox_lock_timeout: ignored(NO_MBOX, duration('5 mins', 'Longest wait for an mbox lock.')),
  mbox_dotlock_change_timeout: ignored(NO_MBOX, duration('2 mins', 'Age at which an mbox lock is broken.')),
  mbox_dirty_syncs: ignored(NO_MBOX, boolean('yes', 'Read only what was added to an mbox.')),
  mbox_very_dirty_syncs: ignored(NO_MBOX, boolean('no', 'The same at opening.')),
  mbox_lazy_writes: ignored(NO_MBOX, boolean('yes', 'Write headers late.')),
  mbox_min_index_size: ignored(NO_MBOX, size('0', 'Smallest mbox that gets an index.')),
  mbox_md5: ignored(NO_MBOX, enumeration(['apop3d', 'all'], 'Headers in the hash of an mbox message.')),
  mdbox_rotate_size: ignored(NO_DBOX, size('10 M', 'Size of an mdbox file.')),
  mdbox_rotate_interval: ignored(NO_DBOX, duration('0', 'Age of an mdbox file.')),
  mdbox_preallocate_space: ignored(NO_DBOX, boolean('no', 'Reserve the space of an mdbox file.')),
} as const

/** What Dovecot keeps in its index and cache files. */
export const mailIndexSettings = {
  mail_cache_fields: ignored(OWN_INDEX, string('flags', 'Fields cached from the start.')),
  mail_always_cache_fields: ignored(OWN_INDEX, string('', 'Fields always cached.')),
  mail_never_cache_fields: ignored(OWN_INDEX, string('imap.envelope', 'Fields never cached.')),
  mail_cache_max_size: hidden(ignored(OWN_INDEX, size('1 G', 'Largest cache file.'))),
  mail_cache_min_mail_count: hidden(ignored(OWN_INDEX, uint('0', 'Smallest mailbox that is cached.'))),
  mail_cache_purge_continued_percentage: hidden(ignored(OWN_INDEX, uint('200', 'Split records that cause a purge.'))),
  mail_cache_purge_delete_percentage: hidden(ignored(OWN_INDEX, uint('20', 'Deleted records that cause a purge.'))),
  mail_cache_purge_header_continue_count: hidden(ignored(OWN_INDEX, uint('4', 'Split headers that cause a purge.'))),
  mail_cache_purge_min_size: hidden(ignored(OWN_INDEX, size('32 k', 'Smallest cache that is purged.'))),
  mail_cache_record_max_size: hidden(ignored(OWN_INDEX, size('64 k', 'Largest cache record.'))),
  mail_cache_unaccessed_field_drop: hidden(ignored(OWN_INDEX, duration('30 days', 'Drop fields unused this long.'))),
  mail_index_log2_max_age: hidden(ignored(OWN_INDEX, duration('2 days', 'Age of the second log file.'))),
  mail_index_log_rotate_max_size: hidden(ignored(OWN_INDEX, size('1 M', 'Size at which a log is rotated.'))),
  mail_index_log_rotate_min_age: hidden(ignored(OWN_INDEX, duration('5 mins', 'Age from which a log is rotated.'))),
  mail_index_log_rotate_min_size: hidden(ignored(OWN_INDEX, size('32 k', 'Size from which a log is rotated.'))),
  mail_index_rewrite_max_log_bytes: hidden(ignored(OWN_INDEX, size('128 k', 'Log bytes that force a rewrite.'))),
  mail_index_rewrite_min_log_bytes: hidden(ignored(OWN_INDEX, size('8 k', 'Log bytes that allow a rewrite.'))),
} as const
