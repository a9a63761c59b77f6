import LockstepEngine
import LockstepOptimization
import LockstepTraining
import Testing

@Suite struct TokenChoiceTests {
  /// How often each token is chosen.
  private func counts(
    _ logits: [Float], _ sampling: TextSampling, draws: Int = 20000
  ) throws -> [Int] {
    var choice = try TokenChoice(sampling)
    var counts = [Int](repeating: 0, count: logits.count)
    for _ in 0..<draws {
      counts[try logits.withUnsafeBufferPointer { try choice.next($0) }] += 1
    }
    return counts
  }

  private let logits: [Float] = [1, 3, 2, -1, 3.5]

  @Test("frequencies are softmax(logits / temperature)", arguments: [0.5, 1, 2])
  func frequencies(_ temperature: Double) throws {
    let found = try counts(logits, TextSampling(temperature: temperature))
    let weights = logits.map { ExactMath.exponential((Double($0) - 3.5) / temperature) }
    let sum = weights.reduce(0, +)
    for (count, weight) in zip(found, weights) {
      let p = weight / sum
      // Five deviations of a binomial distribution.
      let tolerance = 5 * (20000 * p * (1 - p)).squareRoot() + 1
      #expect(abs(Double(count) - 20000 * p) < tolerance)
    }
  }

  @Test("temperature 0 takes the likeliest token, the first of equals")
  func greedy() throws {
    #expect(try counts(logits, TextSampling(temperature: 0), draws: 50)[4] == 50)
    for temperature in [0, Double.leastNonzeroMagnitude] {
      let sampling = TextSampling(temperature: temperature)
      #expect(try counts([0, 7, 7], sampling, draws: 50) == [0, 50, 0])
    }
    // So does one token alone, whatever the temperature.
    #expect(try counts(logits, TextSampling(temperature: 5, topK: 1), draws: 50)[4] == 50)
  }

  @Test(
    "a temperature near 0 takes the likeliest token",
    arguments: [1e-3, 1e-30, Double.leastNormalMagnitude])
  func cold(_ temperature: Double) throws {
    let sampling = TextSampling(temperature: temperature)
    #expect(try counts(logits, sampling, draws: 50)[4] == 50)
    // Equals stay equally likely.
    let two = try counts([0, 7, 7], sampling, draws: 2000)
    #expect(two[0] == 0 && two[1] > 800 && two[2] > 800)
  }

  @Test("top-k and top-p see the order of probabilities, and not that of tokens")
  func order() throws {
    let kept: [(TextSampling, Int)] = [
      (TextSampling(topK: 2), 2), (TextSampling(topP: 0.83), 2), (TextSampling(topP: 0.9), 3),
      (TextSampling(topK: 4, topP: 0.99), 4),
    ]
    for (sampling, count) in kept {
      for shift in logits.indices {
        let moved = Array(logits[shift...] + logits[..<shift])
        let found = try counts(moved, sampling, draws: 3000)
        let expected = moved.indices.sorted { moved[$0] > moved[$1] }.prefix(count)
        #expect(found.indices.filter { found[$0] > 0 } == expected.sorted(), "\(sampling)")
      }
    }
    // Of equals the first tokens are left.
    #expect(try counts([1, 1, 1, 1], TextSampling(topK: 2), draws: 200)[2...] == [0, 0])
    #expect(try counts([1, 1, 1, 1], TextSampling(topP: 0.5), draws: 200)[2...] == [0, 0])
  }

  @Test("top-k leaves the k likeliest, and their ratios")
  func topK() throws {
    let found = try counts(logits, TextSampling(topK: 3))
    #expect(found[0] == 0 && found[3] == 0)
    #expect(
      abs(
        Double(found[4]) / Double(found[1]) - ExactMath.exponential(0) / ExactMath.exponential(-0.5)
      ) < 0.1)
    #expect(try counts(logits, TextSampling(topK: 9)) == counts(logits, TextSampling(topK: 5)))
  }

  @Test("top-p leaves the fewest tokens that have the probability")
  func topP() throws {
    // Softmax of the logits: 0.043, 0.315, 0.116, 0.006, 0.520.
    let half = try counts(logits, TextSampling(topP: 0.5))
    #expect(half[4] == 20000)
    let most = try counts(logits, TextSampling(topP: 0.8))
    #expect(most[1] > 0 && most[4] > 0 && most[0] + most[2] + most[3] == 0)
    // Of the three tokens that top-k leaves, probabilities are taken anew: 0.547 and 0.331.
    let both = try counts(logits, TextSampling(topK: 3, topP: 0.85))
    #expect(both[1] > 0 && both[2] == 0)
    #expect(try counts(logits, TextSampling(topP: 1)).allSatisfy { $0 > 0 })
  }

  @Test("what is out of range, and logits that are not finite, are refused")
  func refusals() throws {
    for sampling in [
      TextSampling(temperature: -1), TextSampling(temperature: .nan), TextSampling(topK: 0),
      TextSampling(topP: 0), TextSampling(topP: 1.5),
    ] {
      #expect(throws: ArgumentError.self) { _ = try TokenChoice(sampling) }
    }
    let error = #expect(throws: ArgumentError.self) { try TextSampling(topP: 1.5).check() }
    #expect(error.map { "\($0)" }?.contains("topP") == true)
    #expect(throws: GraphError.self) { _ = try counts([0, .nan], TextSampling(), draws: 1) }
    #expect(throws: GraphError.self) { _ = try counts([0, .infinity], TextSampling(), draws: 1) }
  }

  @Test("the exponential is known where it is known, and 0 far away")
  func exponentials() {
    #expect(ExactMath.exponential(0) == 1)
    #expect(abs(ExactMath.exponential(-1) / 0.367_879_441_171_442_33 - 1) < 1e-15)
    #expect(abs(ExactMath.exponential(-10) / 4.539_992_976_248_485e-05 - 1) < 1e-15)
    #expect(abs(ExactMath.exponential(-0.3) / 0.740_818_220_681_717_9 - 1) < 1e-15)
    #expect(abs(ExactMath.exponential(-500) / 7.124_576_406_741_286e-218 - 1) < 1e-15)
    #expect(ExactMath.exponential(-1000) == 0)
    #expect(ExactMath.exponential(-.infinity) == 0)
  }
}
