import { resolveSrv } from 'node:dns/promises'
import type { ClusterOptions } from 'ioredis'
import type { Address, ResolvedLocation } from './redis-location.js'

/** Nodes to ask first: as given, looked up as the options of ioredis' `Cluster` say. */
export async function findSeeds({
  seeds,
  options,
}: ResolvedLocation & { readonly kind: 'cluster' }): Promise<readonly Address[]> {
  const named = options.useSRVRecords
    ? await Promise.all(seeds.map(({ host }) => serviceNodes(host, options)))
    : [seeds]
  const { dnsLookup } = options
  if (dnsLookup === undefined) return named.flat()
  return Promise.all(
    named.flat().map(
      ({ host, port }) =>
        new Promise<Address>((resolve, reject) => {
          dnsLookup(host, (error, address) => (error ? reject(error) : resolve({ host: address, port })))
        }),
    ),
  )
}

async function serviceNodes(service: string, { resolveSrv: given }: ClusterOptions): Promise<readonly Address[]> {
  const records = await (given
    ? new Promise<readonly { name: string; port: number }[]>((resolve, reject) => {
        given(service, (error, found) => (error ? reject(error) : resolve(found ?? [])))
      })
    : resolveSrv(service))
  return records.map(({ name, port }) => ({ host: name, port }))
}
