/** LMTP: RFC 2033, into mailboxes of this server and as a proxy in front of LMTP and SMTP servers. */
export { originalRecipient } from './local/delivery-header.ts'
export { splitDetail } from './recipient.ts'
export { serveLmtp } from './serve.ts'
export type {
  BackendLink,
  ConnectOptions,
  Destination,
  LmtpClient,
  LmtpIo,
  LmtpServices,
  LocalDelivery,
  LocalMailboxes,
  LocalOpening,
  LocalQuestion,
  MessageSink,
  RecipientAnswer,
  RecipientQuestion,
  RecipientRoute,
} from './services.ts'
