import type { EventName, EventTable, LogLevel, Observer } from './events.ts'
import type { LogWriter } from './log-writer.ts'
import { compileStrftime } from './strftime.ts'
import { DEBUG_EVENTS, hasSentence, sentence } from './sentences.ts'

/** The three logs of Dovecot: `log_path`, `info_log_path`, `debug_log_path`; they may be one writer. */
export interface LogWriters {
  readonly main: LogWriter
  readonly info: LogWriter
  readonly debug: LogWriter
}

const LABEL = {
  debug: 'Debug',
  info: 'Info',
  warning: 'Warning',
  error: 'Error',
  fatal: 'Fatal',
  panic: 'Panic',
} as const satisfies Record<LogLevel, string>

/** Dovecot's text log: `Nov 21 22:30:59 imap-login: Info: text`; to syslog `imap-login: text`. `timestamp` is `log_timestamp`. */
export function openTextLog(writers: LogWriters, timestamp: string, debug: boolean): Observer {
  const stamp = cachedStamp(compileStrftime(timestamp))
  function log(level: LogLevel, service: string, text: string): void {
    if (level === 'debug' && !debug) return
    const writer = writerFor(writers, level)
    const time = writer.isSyslog ? '' : stamp()
    const label = writer.isSyslog && level === 'info' ? '' : `${LABEL[level]}: `
    writer.write(level, `${time}${service}: ${label}${printable(text)}`)
  }
  return {
    log,
    emit(name, fields) {
      const line = sentence(name, fields)
      if (line !== undefined) log(line.level, line.service, line.text)
    },
    hears: (name) => hasSentence(name) && (debug || !DEBUG_EVENTS.has(name)),
  }
}

/** One JSON object a line: `time`, `level`, `event` or `text`, and the event's fields. */
export function openJsonLog(writers: LogWriters, debug: boolean): Observer {
  return {
    log(level, service, text) {
      if (level === 'debug' && !debug) return
      writerFor(writers, level).write(level, JSON.stringify({ time: new Date().toISOString(), level, service, text }))
    },
    emit(name, fields) {
      const level = sentence(name, fields)?.level ?? 'debug'
      if (level === 'debug' && !debug) return
      writerFor(writers, level).write(level, JSON.stringify(jsonEvent(name, level, fields)))
    },
  }
}

function jsonEvent<Name extends EventName>(name: Name, level: LogLevel, fields: EventTable[Name]): object {
  const plain: Record<string, unknown> = { time: new Date().toISOString(), level, event: name }
  for (const [key, value] of Object.entries(fields)) {
    if (typeof value !== 'function') plain[key] = value
  }
  return plain
}

function writerFor(writers: LogWriters, level: LogLevel): LogWriter {
  if (level === 'debug') return writers.debug
  return level === 'info' ? writers.info : writers.main
}

/** One line stays one line, whatever a stranger put into it. */
export function printable(text: string): string {
  return /[\u0000-\u001f\u007f]/.test(text)
    ? text.replace(/[\u0000-\u001f\u007f]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
    : text
}

/** Formats the time once a second. */
function cachedStamp(format: (at: Date) => string): () => string {
  let second = -1
  let text = ''
  return () => {
    const now = Date.now()
    const thisSecond = Math.floor(now / 1000)
    if (thisSecond !== second) {
      second = thisSecond
      text = format(new Date(now))
    }
    return text
  }
}
