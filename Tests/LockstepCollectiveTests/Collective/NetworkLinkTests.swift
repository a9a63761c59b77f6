import LockstepCollective
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

@Suite struct NetworkLinkTests {
  /// A bucket takes about sixteen latencies on the wire, a power of two of bytes, within bounds.
  @Test(arguments: [1e-6, 5e-6, 3e-5, 5e-5, 2e-4, 1e-3, 1e-1], [1e7, 1.25e8, 1.25e9, 1.25e10])
  func bucketsTakeAFewLatencies(latency: Double, bandwidth: Double) {
    let bytes = NetworkLink(latency: latency, bandwidth: bandwidth).bucketBytes
    #expect(bytes & (bytes - 1) == 0 && NetworkLink.bucketLimits.contains(bytes))
    let latencies = Double(bytes) / bandwidth / latency
    if bytes > NetworkLink.bucketLimits.lowerBound { #expect(latencies <= 16 * 1.42) }
    if bytes < NetworkLink.bucketLimits.upperBound { #expect(latencies >= 16 / 1.42) }
  }

  /// Links that nobody has end in buckets still.
  @Test(arguments: [0, .infinity, .nan])
  func oddLinksHaveBuckets(latency: Double) {
    let bytes = NetworkLink(latency: latency, bandwidth: 1e9).bucketBytes
    #expect(NetworkLink.bucketLimits.contains(bytes))
  }
}
