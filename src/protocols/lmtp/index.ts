/** LMTP: RFC 2033, as a proxy in front of LMTP and SMTP servers. */
export { serveLmtp } from './serve.ts'
export type {
  BackendLink,
  ConnectOptions,
  Destination,
  LmtpClient,
  LmtpIo,
  LmtpServices,
  MessageSink,
  RecipientAnswer,
  RecipientQuestion,
  RecipientRoute,
} from './services.ts'
