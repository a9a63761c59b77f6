import LockstepCollective
import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepOptimization
import LockstepTestSupport
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// A training with carried states that PyTorch made in float64.
struct CarriedReference: Sendable, CustomStringConvertible {
  let name: String
  private let values: JSONObject
  var description: String { name }
  let tokens: [UInt16]
  let losses: [Double]
  /// By the parameters' names.
  let before: [String: HostTensor]
  let after: [String: HostTensor]
  /// `hidden` and `cell` behind the last step, [streams, layers, units].
  let states: [String: HostTensor]

  static let all: [CarriedReference] = {
    do {
      let file = try ReferenceFile("LockstepTestSupport/Data/carried-states.safetensors")
      return try file.descriptions.map { try CarriedReference($0, file) }
    } catch { preconditionFailure("carried states: \(error)") }
  }()

  private init(_ description: JSONObject, _ file: ReferenceFile) throws {
    let name = description.text("name") ?? ""
    self.name = name
    values = description
    tokens = try file.tensor("\(name)/tokens").values.map { UInt16($0) }
    losses = try file.tensor("\(name)/losses").values
    func group(_ part: String) throws -> [String: HostTensor] {
      let prefix = "\(name)/\(part)/"
      return try file.names(withPrefix: prefix).reduce(into: [:]) {
        $0[String($1.dropFirst(prefix.count))] = try file.tensor($1)
      }
    }
    before = try group("before")
    after = try group("after")
    states = try group("state")
  }

  func integer(_ key: String) throws -> Int { try #require(values.integer(key), "\(key)") }

  var rate: Double? { values.float("rate").map(Double.init) }

  var core: any Model {
    get throws {
      let (features, units) = (try integer("embedding"), try integer("hidden"))
      let layers = try integer("layers")
      return switch values.text("cell") {
      case "lstm": LSTM(features, units, numLayers: layers, carriesState: true)
      case "gru": GRU(features, units, numLayers: layers, carriesState: true)
      default: RNN(features, units, numLayers: layers, carriesState: true)
      }
    }
  }
}

@Suite struct CarriedReferenceTests {
  @Test(
    "losses, weights and states are PyTorch's, with states that are detached behind each window",
    arguments: CarriedReference.all, [1, 3])
  func training(_ reference: CarriedReference, _ ranks: Int) throws {
    let vocabulary = try reference.integer("vocabulary")
    let streams = try reference.integer("streams")
    let examples = try TokenWindows(
      TokenStream(reference.tokens, name: "tokens"), length: reference.integer("length"),
      vocabulary: vocabulary, streams: streams)
    let rate = try #require(reference.rate)
    let epochs = try reference.integer("epochs")
    _ = try group(of: ranks) { ranks in
      let model = Sequential(named: [
        ("embedding", Embedding(vocabulary, try reference.integer("embedding"))),
        ("core", try reference.core),
        ("head", Linear(try reference.integer("hidden"), vocabulary)),
      ])
      var options = TrainingOptions()
      options.shards = 4
      let training = try Training(
        model, on: examples, loss: SoftmaxCrossEntropy(),
        update: .sgd(learningRate: .constant(rate)),
        batchSize: streams, epochs: epochs, options: options, ranks: ranks)
      let memory = training.source.memory
      let slots = memory.trainableLayout.slots
      #expect(Set(slots.map(\.name)) == Set(reference.before.keys))
      for slot in slots {
        let values = try #require(reference.before[slot.name]).values
        for (index, value) in zip(slot.range, values) { memory.trainable[index] = Float(value) }
      }
      var losses: [Double] = []
      training.listen { if case .step(let report, _, _) = $0 { losses.append(report.loss) } }
      try training.fit()
      if ranks.isRoot {
        #expect(losses.count == reference.losses.count)
        for (found, expected) in zip(losses, reference.losses) {
          #expect(abs(found - expected) < 1e-5 * expected)
        }
      }
      for slot in slots {
        let expected = try #require(reference.after[slot.name])
        let found = HostTensor(slot.shape, slot.range.map { Double(memory.trainable[$0]) })
        #expect(deviation(found, from: expected) < 1e-5, "\(slot.name)")
      }
      let states = training.carriedStates()
      #expect(states.count == reference.states.count)
      guard ranks.size == 1 else { return }
      for (name, expected) in reference.states {
        let found = try #require(states["core.\(name).0"]).map(Double.init)
        #expect(deviation(HostTensor(expected.shape, found), from: expected) < 1e-5, "\(name)")
      }
    }
  }
}
