import LockstepCollective
import LockstepDatasets
import LockstepEngine
import LockstepLayers
import LockstepState
import LockstepTestSupport
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// The vectors of power iteration, which a run keeps beside weights that are divided by their largest singular value.
@Suite struct SpectralVectorsTests {
  /// Evaluations take the vectors that training has left, and leave them.
  @Test(arguments: [4, 5, 6])
  func evaluationsAreThoseOfPyTorch(index: Int) throws {
    let (name, layers) = ParametrizedWeightsTests.models[index]
    let file = try ParametrizedWeightsTests.cases()
    let input = try file.tensor("\(name)/input")
    let trace = try LockstepLayers.trace(
      Sequential(layers), inputShape: Array(input.shape.dropFirst()), batchCount: input.shape[0],
      training: false)
    var leaves = ReferenceEvaluator.Leaves(inputs: ["input": input])
    for parameter in trace.graph.parameters {
      leaves.parameters[parameter.name] = try file.tensor("\(name)/last/\(parameter.name)")
    }
    for statistic in trace.graph.statistics {
      leaves.statistics[statistic.name] = try file.tensor("\(name)/last/\(statistic.name)")
    }
    let evaluator = ReferenceEvaluator(trace.graph)
    let found = try evaluator.evaluate([trace.output], leaves)[0]
    #expect(deviation(found, from: try file.tensor("\(name)/evaluation/output")) < 1e-6)
    #expect(try evaluator.statistics(after: leaves) == leaves.statistics)
  }

  /// The first weight is the one that is drawn, and its vectors are known by then: the first evaluation divides by
  /// its largest singular value, nearly.
  @Test func theFirstVectorsAreThoseOfTheDrawnWeight() throws {
    func drawn(_ parametrization: Parametrization?) throws -> [String: [Float]] {
      let model = Sequential([
        ConvTranspose2d(4, kernel: 3, parametrization: parametrization), Flatten(),
        Linear(6, parametrization: parametrization),
      ])
      return try ModelSource(
        model, loss: SoftmaxCrossEntropy(),
        on: try SyntheticData.images(count: 8, shape: [2, 5, 5], classes: 6, seed: 5), seed: 11
      ).memory.namedValues
    }
    let (plain, spectral) = (try drawn(nil), try drawn(.spectralNorm))
    #expect(spectral.count == 8)
    for (layer, rows) in [("0", 4), ("2", 6)] {
      let part = "\(layer).parametrizations.weight"
      let weight = try #require(plain["\(layer).weight"])
      #expect(spectral["\(layer).bias"] == plain["\(layer).bias"])
      #expect(spectral["\(part).original"] == weight)
      let left = try #require(spectral["\(part).0._u"])
      let right = try #require(spectral["\(part).0._v"])
      #expect(left.count == rows && right.count == weight.count / rows)
      for vector in [left, right] {
        let squares = vector.reduce(0) { $0 + Double($1) * Double($1) }
        #expect(abs(squares - 1) < 1e-6)
      }
      // Another round finds nearly the same. The transposed convolution's weight is [2, 4, 3, 3].
      var matrix = HostTensor([rows, right.count], weight.map(Double.init))
      if layer == "0" {
        matrix.values =
          HostTensor([2, 4, 9], weight.map(Double.init)).strided(
            [4, 2, 9], by: [9, 36, 1]
          ).values
      }
      let again = SingularVectors().evaluate(
        [matrix, HostTensor([right.count], right.map(Double.init))], ReferenceContext())
      #expect(deviation(HostTensor([rows], left.map(Double.init)), from: again[0]) < 0.2)
    }
  }

  /// Rounds of power iteration go on beside a frozen weight, whose largest singular value they come to.
  @Test func vectorsOfFrozenWeightsComeToTheirEnd() throws {
    var run = ParametrizedWeightsTests.Run(model: 4)
    #expect(ParametrizedWeightsTests.models[4].name == "spectral-norm")
    run.freezing = Freezing(parameters: ["4.*"])
    run.steps = 40
    let found = try run.run(on: SoloCollective()).weights
    func values(_ name: String) throws -> HostTensor {
      let bits = try #require(found["4.parametrizations.weight.\(name)"])
      return HostTensor([bits.count], bits.map { Double(Float(bitPattern: $0)) })
    }
    let weight = HostTensor([5, 16], try values("original").values)
    let right = try values("0._v")
    let again = SingularVectors().evaluate([weight, right], ReferenceContext())
    #expect(deviation(right, from: again[1]) < 1e-3)
    #expect(deviation(try values("0._u"), from: again[0]) < 1e-3)
  }
}
