const LABELS = {
  certificate: /-----BEGIN ((?:TRUSTED |X509 )?CERTIFICATE)-----[^-]+-----END \1-----/g,
  crl: /-----BEGIN (X509 CRL)-----[^-]+-----END \1-----/g,
  dh: /-----BEGIN ((?:X9\.42 )?DH PARAMETERS)-----[^-]+-----END \1-----/g,
} as const

/** The blocks of one kind in a PEM text, in order; everything between them is comment. */
export function pemBlocks(text: string, kind: keyof typeof LABELS): string[] {
  return text.match(LABELS[kind]) ?? []
}
