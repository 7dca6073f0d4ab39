import type { Settings } from '../config/config.ts'
import { openJsonLog, openTextLog, type LogWriters } from '../observe/log.ts'
import { openLogWriter, parseLogPath, type LogWriter } from '../observe/log-writer.ts'
import { hears, type Observer } from '../observe/events.ts'

/** The process's log as the configuration wants it; `log_path`, `info_log_path` and `debug_log_path` may share a writer. */
export interface OpenLog extends Observer {
  reopen(): void
  flushSync(): void
  close(): void
}

/** Opens the log. Throws when a log file cannot be opened. */
export function openLog(settings: Settings): OpenLog {
  const writers = openWriters(settings)
  const all = new Set([writers.main, writers.info, writers.debug])
  const debug = settings.auth_debug || settings.mail_debug || settings.verbose_ssl
  const json = settings.postern_log_format === 'json'
  const sink = json ? openJsonLog(writers, debug) : openTextLog(writers, settings.log_timestamp, debug)
  return {
    emit: sink.emit.bind(sink),
    log: sink.log.bind(sink),
    hears: (name) => hears(sink, name),
    reopen: () => all.forEach((writer) => writer.reopen()),
    flushSync: () => all.forEach((writer) => writer.flushSync()),
    close: () => all.forEach((writer) => writer.close()),
  }
}

function openWriters(settings: Settings): LogWriters {
  const opened = new Map<string, LogWriter>()
  const open = (path: string): LogWriter => {
    const known = opened.get(path)
    if (known !== undefined) return known
    const writer = openLogWriter(parseLogPath(path, settings.syslog_facility, settings.instance_name))
    opened.set(path, writer)
    return writer
  }
  const info = settings.info_log_path || settings.log_path
  return { main: open(settings.log_path), info: open(info), debug: open(settings.debug_log_path || info) }
}
