import LockstepEngine

/// Finds the layers of a model and their dotted names, in declaration order.
///
/// The walk follows stored properties, arrays, tuples, optionals and cases of enumerations; a
/// property adds its name, an element its index, an optional and a case nothing. A layer that is met
/// again keeps its first name.
struct LayerWalk {
  /// The layers, each once, in declaration order.
  private(set) var layers: [(identity: LayerIdentity, name: String)] = []
  /// What is wrong with the model's structure, if anything.
  private(set) var failure: String?

  private var seen: Set<ObjectIdentifier> = []
  private var visitedObjects: Set<ObjectIdentifier> = []

  /// - Parameter parts: a model, or what holds layers, and the name in front of its layers' names.
  init(_ parts: [(name: String, value: Any)]) {
    for part in parts { walk(part.value, part.name) }
  }

  private mutating func walk(_ value: Any, _ name: String) {
    // Long lists of numbers hold no layers.
    if value is [Int] || value is [Float] || value is [Double] { return }
    let mirror = Mirror(reflecting: value)
    if mirror.displayStyle == .optional {
      for child in mirror.children { walk(child.value, name) }
      return
    }
    if let layer = value as? any Layer, seen.insert(ObjectIdentifier(layer.identity)).inserted {
      layers.append((layer.identity, name))
    }
    if mirror.displayStyle == .class,
      !visitedObjects.insert(ObjectIdentifier(value as AnyObject)).inserted
    {
      return
    }
    let before = layers.count
    var part: Mirror? = mirror
    while let current = part {
      for (index, child) in current.children.enumerated() {
        switch mirror.displayStyle {
        case .enum: walk(child.value, name)
        case .dictionary, .set: walk(child.value, joined(name, "?"))
        default:
          // A tuple's elements without labels are ".0", ".1".
          let label = child.label.map { $0.hasPrefix(".") ? String($0.dropFirst()) : $0 }
          walk(child.value, joined(name, label ?? "\(index)"))
        }
      }
      part = current.superclassMirror
    }
    if mirror.displayStyle == .dictionary || mirror.displayStyle == .set, layers.count > before,
      failure == nil
    {
      failure =
        "'\(name)' holds layers in a dictionary or set, which has no order; use an array or properties"
    }
  }
}
