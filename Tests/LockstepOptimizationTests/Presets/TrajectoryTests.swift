import Foundation
import LockstepCatalog
import LockstepEngine
import LockstepFiles
import LockstepOptimization
import Testing

/// Values as a configuration gives them.
private func object(_ values: [String: Reference.Value]) -> JSONObject {
  var object: JSONObject = [:]
  for (key, value) in values { object[key] = value.value }
  return object
}

/// Trajectories of PyTorch, Keras and optax, written by scripts/reference/optimizers.py.
private struct Reference: Decodable {
  struct Tensor: Decodable {
    let name: String
    let shape: [Int]
  }
  struct Made: Decodable {
    let name: String
    let values: [String: Value]
  }
  struct Case: Decodable {
    let source: String
    let optimizer: String
    let values: [String: Value]
    let clip: String
    let constraint: String
  }
  struct Rates: Decodable {
    let name: String
    let values: [String: Value]
    let learningRate: Double
    let rates: [Double]
  }
  /// A JSON value as a hyperparameter.
  struct Value: Decodable {
    let value: JSONValue

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let flag = try? container.decode(Bool.self) {
        value = .bool(flag)
      } else if let number = try? container.decode(Double.self) {
        value = .number(number)
      } else if let numbers = try? container.decode([Double].self) {
        value = .array(numbers.map { .number($0) })
      } else if let texts = try? container.decode([String].self) {
        value = .array(texts.map { .string($0) })
      } else {
        value = .string(try container.decode(String.self))
      }
    }
  }

  let tensors: [Tensor]
  let steps: Int
  let saved: [Int]
  let clips: [String: Made?]
  let constraints: [String: [Made?]]
  let schedules: [Rates]
  let metrics: [Double]
  let plateaus: [Rates]
  let cases: [Case]

  /// A case's chain and constraints, from the catalogs.
  func rule(of item: Case) throws -> (Chain, [WeightConstraint?]) {
    var chain = try OptimizerCatalog.catalog.make(item.optimizer, object(item.values))
      .chain(totalSteps: steps)
    if let clip = try #require(clips[item.clip]) {
      chain = Chain(try ClipCatalog.catalog.make(clip.name, object(clip.values))) + chain
    }
    let constraints = try #require(constraints[item.constraint]).map { made in
      try made.map { try ConstraintCatalog.catalog.make($0.name, object($0.values)) }
    }
    return (chain, constraints)
  }

  static func load() throws -> (Reference, [Double]) {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent()
      .appendingPathComponent("Reference")
    let index = try Data(contentsOf: folder.appendingPathComponent("trajectories.json"))
    let data = try Data(contentsOf: folder.appendingPathComponent("trajectories.f64"))
    let values = data.withUnsafeBytes { bytes in
      (0..<data.count / 8).map { i in
        Double(
          bitPattern: UInt64(
            littleEndian: bytes.loadUnaligned(fromByteOffset: i * 8, as: UInt64.self)))
      }
    }
    return (try JSONDecoder().decode(Reference.self, from: index), values)
  }
}

/// Clips with one limit for every value, unit or tensor, which find something in every step.
private let alwaysClipping: Set = ["value", "valueBox", "adaptive", "blockRMS"]

@Suite struct TrajectoryTests {
  /// |a − b| ≤ 2e-6 · max(|b|, rms of the tensor), for every value of every case.
  @Test func trajectoriesAreThoseOfThePeers() throws {
    let (reference, values) = try Reference.load()
    let layout = FlatLayout(reference.tensors.map { ($0.name, $0.shape) })
    let count = layout.slots.reduce(0) { $0 + $1.count }
    func set(_ index: Int) -> ArraySlice<Double> { values[index * count..<(index + 1) * count] }
    func arena(_ index: Int) -> [Float] {
      var arena = [Float](repeating: 0, count: layout.count)
      var place = set(index).startIndex
      for slot in layout.slots {
        for i in 0..<slot.count { arena[slot.offset + i] = Float(values[place + i]) }
        place += slot.count
      }
      return arena
    }
    let gradients = (0..<reference.steps).map { arena(1 + $0) }
    var next = 1 + reference.steps
    #expect(values.count == (next + reference.cases.count * reference.saved.count) * count)

    var worst = 0.0
    var worstCase = ""
    var unconstrained: [String: [Double]] = [:]
    for item in reference.cases {
      let name = "\(item.source) \(item.optimizer) \(item.clip) \(item.constraint)"
      let (chain, constraints) = try reference.rule(of: item)
      let trial = try Trial(layout, chain, constraints: constraints)
      trial.parameters = arena(0)
      var clippedSteps = 0
      for (step, gradient) in gradients.enumerated() {
        let report = try trial.step(step, gradient)
        if report.clipped { clippedSteps += 1 }
        if reference.saved.contains(step + 1) {
          var place = set(next).startIndex
          for slot in layout.slots {
            let expected = values[place..<place + slot.count]
            let rms = (expected.reduce(0) { $0 + $1 * $1 } / Double(slot.count)).squareRoot()
            for (a, b) in zip(trial.parameters[slot.range], expected) {
              let error = (Double(a) - b).magnitude / max(b.magnitude, rms)
              if !(error <= worst) {
                worst = error
                worstCase = "\(name), \(slot.name), step \(step + 1)"
              }
              if !(error <= 2e-6) {
                Issue.record("\(name): \(slot.name) is off by \(error) after step \(step + 1)")
                break
              }
            }
            place += slot.count
          }
          next += 1
        }
      }
      // The clip must have worked in some steps and left others alone, and the constraint bound.
      if item.clip == "none" {
        #expect(clippedSteps == 0, "\(name)")
      } else {
        #expect(
          clippedSteps > 0
            && (alwaysClipping.contains(item.clip) || clippedSteps < reference.steps),
          "\(name)")
      }
      let values = "\(item.optimizer) \(item.values.keys.sorted()) \(item.clip)"
      let final = Array(set(next - 1))
      if item.constraint == "none" {
        unconstrained[values] = final
      } else {
        #expect(try #require(unconstrained[values]) != final, "\(name): the constraint never bound")
      }
    }
    print("\(reference.cases.count) trajectories, largest error \(worst): \(worstCase)")
  }

  /// |a − b| ≤ 1e-12 · max(|b|, rms of the tensor) where the formulas run in Double.
  @Test func theFormulasInDoubleAreThoseOfThePeers() throws {
    let (reference, values) = try Reference.load()
    let layout = FlatLayout(reference.tensors.map { ($0.name, $0.shape) })
    let count = layout.slots.reduce(0) { $0 + $1.count }
    func set(_ index: Int) -> [[Double]] {
      var place = index * count
      return layout.slots.map { slot in
        defer { place += slot.count }
        return Array(values[place..<place + slot.count])
      }
    }
    var next = 1 + reference.steps
    var worst = 0.0
    var worstCase = ""
    for item in reference.cases {
      let name = "\(item.source) \(item.optimizer) \(item.clip) \(item.constraint)"
      let (chain, constraints) = try reference.rule(of: item)
      var rule = DoubleRule(layout, chain, constraints, set(0))
      var error = 0.0
      for step in 0..<reference.steps {
        rule.step(step, set(1 + step))
        guard reference.saved.contains(step + 1) else { continue }
        for (found, expected) in zip(rule.parameters, set(next)) {
          let rms = (expected.reduce(0) { $0 + $1 * $1 } / Double(expected.count)).squareRoot()
          for (a, b) in zip(found, expected) {
            error = max(error, (a - b).magnitude / max(b.magnitude, rms))
          }
        }
        next += 1
      }
      #expect(error <= 1e-12, "\(name) is off by \(error)")
      if !(error <= worst) { (worst, worstCase) = (error, name) }
    }
    print("\(reference.cases.count) trajectories in Double, largest error \(worst): \(worstCase)")
  }

  @Test func plateausAreThoseOfPyTorch() throws {
    let (reference, _) = try Reference.load()
    #expect(reference.plateaus.count >= 5)
    for item in reference.plateaus {
      let schedule = try LockstepOptimizationTests.schedule(
        item.name, item.learningRate, object(item.values))
      let layout = FlatLayout([("w", [1])])
      let trial = try Trial(layout, .sgd(learningRate: schedule))
      var reductions = 0
      for (metric, rate) in zip(reference.metrics, item.rates) {
        if trial.rule.report(metric: metric) { reductions += 1 }
        let found = try trial.step(0, [Float](repeating: 0, count: layout.count)).learningRate
        #expect((found - rate).magnitude <= 1e-15, "\(item.values.keys.sorted())")
      }
      #expect(reductions >= 2)
    }
  }

  @Test func schedulesAreThoseOfPyTorch() throws {
    let (reference, _) = try Reference.load()
    #expect(reference.schedules.count >= 10)
    for item in reference.schedules {
      let schedule = try LockstepOptimizationTests.schedule(
        item.name, item.learningRate, object(item.values))
      for (step, rate) in item.rates.enumerated() {
        #expect(
          (schedule.value(at: step) - rate).magnitude <= 1e-14,
          "\(item.name) at step \(step): \(schedule.value(at: step)) instead of \(rate)")
      }
    }
  }
}
