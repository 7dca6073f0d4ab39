import { boolean, duration, list, octal, port, size, string, uint } from '../setting.ts'

/** A `service NAME {}` block. 0 in a limit means the `default_*` setting; so does the largest number of bytes. */
export const serviceRows = {
  protocol: string('', 'Protocol this service belongs to; it runs when `protocols` lists that.'),
  type: string('', 'Kind of service: login, worker, startup, anvil, config, log.'),
  executable: string('', 'Program and its arguments.'),
  user: string('', 'System user; empty is root.'),
  group: string('', 'System group.'),
  privileged_group: string('', 'Group used only on demand.'),
  extra_groups: string('', 'Further groups.'),
  chroot: string('', 'Root directory, relative to base_dir.'),
  drop_priv_before_exec: boolean('no', 'Give up root before the program starts.'),
  process_min_avail: uint('0', 'Processes kept waiting.'),
  process_limit: uint('0', 'Most processes.'),
  client_limit: uint('0', 'Most connections of a process.'),
  service_count: uint('0', 'Connections after which a process ends; 0 is never.'),
  idle_kill: duration('0', 'How long an idle process is kept.'),
  vsz_limit: size('18446744073709551615', 'Memory limit of a process; 0 is none.'),
} as const

/** `inet_listener [NAME] {}` in a service. */
export const inetListenerRows = {
  address: list('', 'Addresses; empty is the `listen` setting.'),
  port: port('0', 'Port; 0 is off.'),
  ssl: boolean('no', 'TLS from the first byte.'),
  reuse_port: boolean('no', 'Let several processes bind the port.'),
  haproxy: boolean('no', 'Expect a PROXY header in front.'),
} as const

/** `unix_listener PATH {}` and `fifo_listener PATH {}` in a service. */
export const fileListenerRows = {
  mode: octal('0600', 'File mode; 0 is off.'),
  user: string('', 'Owner.'),
  group: string('', 'Group.'),
} as const
