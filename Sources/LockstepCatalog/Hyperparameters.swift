import LockstepFiles

/// The checked values of one object of a configuration, defaults filled in.
///
/// `values["kernel"]` is the value in the type that is asked for.
package struct Hyperparameters: Sendable {
  /// What was chosen; empty where the object has no choice.
  package let name: String
  /// What the configuration is called in errors.
  package let source: String
  /// Where the object stands, `model.layers.2`; empty for the root.
  package let path: String
  /// The name that it stands under in an object of any names; empty elsewhere.
  package internal(set) var key = ""
  /// The object with all defaults.
  package let resolved: JSONValue
  let values: [String: JSONValue]
  let nested: [String: [Hyperparameters]]

  /// The value of a key. A key that may be absent is asked for as an optional.
  package subscript<Value: HyperparameterValue>(key: String) -> Value {
    guard let value = Value(hyperparameter: values[key]) else {
      preconditionFailure("'\(key)' of '\(name)' is read as \(Value.self), and declared otherwise")
    }
    return value
  }

  /// Whether a key has a value.
  package func contains(_ key: String) -> Bool { values[key] != nil || nested[key] != nil }

  /// The object under a key, or nil where there is none.
  package func object(_ key: String) -> Hyperparameters? { nested[key]?.first }

  /// The objects under a key.
  package func objects(_ key: String) -> [Hyperparameters] { nested[key] ?? [] }

  /// An error about a key: `"'model.layers.2.kernel' must be odd"`.
  package func error(_ key: String, _ reason: String) -> ConfigurationError {
    let place = path.isEmpty ? key : "\(path).\(key)"
    return ConfigurationError(source: source, path: place, reason: "'\(place)' \(reason)")
  }

  /// Makes something; what it refuses is an error of its key, or of this object.
  package func make<Made>(_ body: () throws -> Made) throws(ConfigurationError) -> Made {
    do {
      return try body()
    } catch let known as ConfigurationError {
      throw known
    } catch let refused as any KeyedError {
      throw error(refused.key, reason(of: refused))
    } catch {
      throw ConfigurationError(source: source, path: path, reason: "'\(path)': \(error)")
    }
  }
}

extension Hyperparameters {
  /// What is wrong with a key's value, as it was written: what was refused may be what Float32 made of it.
  private func reason(of refused: any KeyedError) -> String {
    guard let written = values[refused.key], let number = written.doubleValue,
      case let rounded = Double(Float(number)), rounded != number, refused.value == "\(rounded)"
    else { return "\(refused.problem); found \(refused.value)" }
    let problem =
      rounded == 0 || rounded.isInfinite
      ? "must be a number that Float32 can hold, from 1.4e-45 to 3.4e38 or 0 in magnitude"
      : refused.problem
    return "\(problem); found \(written.compactText)"
  }
}

/// An error about the value of a key.
package protocol KeyedError: Error {
  /// The key: `beta1`.
  var key: String { get }
  /// The value as text.
  var value: String { get }
  /// What is wrong and what to do.
  var problem: String { get }
}

/// What a checked value can be read as.
package protocol HyperparameterValue {
  /// The value; nil where it is of another kind.
  init?(hyperparameter: JSONValue?)
}

extension Bool: HyperparameterValue {
  package init?(hyperparameter value: JSONValue?) {
    guard let flag = value?.boolValue else { return nil }
    self = flag
  }
}

extension Int: HyperparameterValue {
  package init?(hyperparameter value: JSONValue?) {
    guard let integer = value?.integerValue else { return nil }
    self = integer
  }
}

extension Double: HyperparameterValue {
  package init?(hyperparameter value: JSONValue?) {
    guard let number = value?.doubleValue else { return nil }
    self = number
  }
}

extension Float: HyperparameterValue {
  package init?(hyperparameter value: JSONValue?) {
    guard let number = value?.doubleValue else { return nil }
    self = Float(number)
  }
}

extension String: HyperparameterValue {
  package init?(hyperparameter value: JSONValue?) {
    guard let text = value?.stringValue else { return nil }
    self = text
  }
}

extension Array: HyperparameterValue where Element: HyperparameterValue {
  package init?(hyperparameter value: JSONValue?) {
    guard let all = value?.arrayValue else { return nil }
    let elements = all.compactMap { Element(hyperparameter: $0) }
    guard elements.count == all.count else { return nil }
    self = elements
  }
}

extension Optional: HyperparameterValue where Wrapped: HyperparameterValue {
  package init?(hyperparameter value: JSONValue?) {
    guard let value else {
      self = .none
      return
    }
    guard let wrapped = Wrapped(hyperparameter: value) else { return nil }
    self = wrapped
  }
}

/// An enumeration is read from the name of its case: `extension Mode: HyperparameterValue {}`.
extension HyperparameterValue where Self: RawRepresentable<String> {
  package init?(hyperparameter value: JSONValue?) {
    guard let text = value?.stringValue else { return nil }
    self.init(rawValue: text)
  }
}
