import LockstepFiles
import LockstepOptimization

/// Something chosen by name from a catalog, with values for all its keys.
package struct CatalogChoice: Sendable, Equatable {
  /// The entry's name.
  package let name: String
  /// A value for each key.
  package let values: [String: HyperparameterValue]
  /// The dotted path of the object it was read from, for messages.
  let path: String
}

extension ConfigurationReader {
  /// Reads `type` and the keys of the catalog entry of that name.
  ///
  /// - Parameters:
  ///   - entries: what there is to choose from.
  ///   - fallback: the type where none is given.
  ///   - skipping: keys of the entry that the caller reads.
  func choice(
    among entries: [CatalogEntry], default fallback: String? = nil, skipping: Set<String> = []
  ) throws(ConfigurationError) -> CatalogChoice {
    noteTypes(entries.map { ($0.name, $0.parameters.map(\.key)) })
    let name = try string("type", default: fallback, oneOf: entries.map(\.name))
    let entry = entries.first { $0.name == name }!  // string(oneOf:) has checked it
    let values = try values(of: entry, skipping: skipping)
    return CatalogChoice(name: name, values: values, path: path)
  }

  /// Reads the keys of a catalog entry.
  func values(
    of entry: CatalogEntry, skipping: Set<String> = []
  ) throws(ConfigurationError) -> [String: HyperparameterValue] {
    var values: [String: HyperparameterValue] = [:]
    for parameter in entry.parameters where !skipping.contains(parameter.key) {
      values[parameter.key] = try value(of: parameter)
    }
    return values
  }

  /// Reads one hyperparameter, with its default and in its range.
  private func value(
    of parameter: Hyperparameter
  ) throws(ConfigurationError) -> HyperparameterValue {
    let key = parameter.key
    let number = parameter.defaultValue?.number
    switch parameter.range {
    case .number: return .number(try double(key, default: number))
    case .positive: return .number(try double(key, default: number, above: 0))
    case .nonNegative: return .number(try double(key, default: number, in: 0...))
    case .decayRate: return .number(try double(key, default: number, in: 0...1, below: 1))
    case .fraction: return .number(try double(key, default: number, in: 0...1))
    case .interval(let least, let most):
      return .number(try double(key, default: number, in: least...most))
    case .patterns:
      return .texts(try strings(key, default: parameter.defaultValue?.texts))
    case .integer(let least, let most):
      return .number(Double(try integer(key, default: number.map { Int($0) }, in: least...most)))
    case .boolean: return .flag(try bool(key, default: parameter.defaultValue?.flag))
    case .milestones:
      let steps = try integers(
        key, default: parameter.defaultValue?.integers, in: 1...HyperparameterRange.largestInteger)
      return .numbers(steps.map(Double.init))
    case .axes:
      let axes = try integers(key, default: parameter.defaultValue?.integers, in: -8...7)
      return .numbers(axes.map(Double.init))
    case .choice(let words):
      return .text(try string(key, default: parameter.defaultValue?.text, oneOf: words))
    }
  }

  /// Makes something of values that were read here; a value that it refuses is an error of its key.
  func make<Made>(_ body: () throws -> Made) throws(ConfigurationError) -> Made {
    do {
      return try body()
    } catch let refused as HyperparameterError {
      throw error(refused.key, "\(refused.problem); found \(refused.value)")
    } catch let known as ConfigurationError {
      throw known
    } catch {
      throw ConfigurationError(source: source, path: path, reason: "'\(path)': \(error)")
    }
  }
}

extension HyperparameterValue {
  fileprivate var number: Double? { if case .number(let value) = self { value } else { nil } }
  fileprivate var flag: Bool? { if case .flag(let value) = self { value } else { nil } }
  fileprivate var text: String? { if case .text(let value) = self { value } else { nil } }
  fileprivate var texts: [String]? {
    if case .texts(let value) = self { value } else { nil }
  }
  fileprivate var integers: [Int]? {
    if case .numbers(let values) = self { values.map { Int($0) } } else { nil }
  }
}
