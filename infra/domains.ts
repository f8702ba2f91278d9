/** Addresses that browsers see: CloudFront's own names, or a lab's, with a certificate of ACM in us-east-1. */
import { text } from './stage.ts'

export type Domain = { host: string; certificate: string } | null

function domain(name: 'CXOD_APP' | 'CXOD_VIEW'): Domain {
  const host = text(`${name}_DOMAIN`)
  const certificate = text(`${name}_CERTIFICATE`)
  if (host === undefined && certificate === undefined) return null
  if (host === undefined || certificate === undefined)
    throw new Error(`${name}_DOMAIN and ${name}_CERTIFICATE go together: set both or none.`)
  if (!/^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(host)) throw new Error(`${name}_DOMAIN=${host} can't be used: a host name.`)
  if (!/^arn:aws:acm:us-east-1:\d{12}:certificate\//.test(certificate))
    throw new Error(`${name}_CERTIFICATE must be the ARN of a certificate in us-east-1: CloudFront takes no other.`)
  return { host, certificate }
}

export function domains(): { app: Domain; view: Domain } {
  const [app, view] = [domain('CXOD_APP'), domain('CXOD_VIEW')]
  // Cookies are shared by a host: a page of a viewer could act as its user in the launcher.
  if (app !== null && app.host === view?.host)
    throw new Error('CXOD_APP_DOMAIN and CXOD_VIEW_DOMAIN are one host and must be two.')
  return { app, view }
}
