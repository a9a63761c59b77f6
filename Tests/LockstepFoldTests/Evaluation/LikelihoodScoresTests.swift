import LockstepFold
import Testing

@Suite struct LikelihoodScoresTests {
  private func report(_ loss: Double) -> EvaluationReport {
    EvaluationReport(name: "test", examples: 1, loss: loss, metricNames: [], metrics: [])
  }

  @Test("a uniform guess among C tokens has the perplexity C and log2 C bits")
  func uniform() {
    // log 256
    let bytes = report(5.545_177_444_479_562)
    #expect(abs(bytes.perplexity - 256) < 1e-10)
    #expect(abs(bytes.bitsPerToken - 8) < 1e-12)
    #expect(report(0).perplexity == 1 && report(0).bitsPerToken == 0)
    #expect(report(.nan).perplexity.isNaN)
  }
}
