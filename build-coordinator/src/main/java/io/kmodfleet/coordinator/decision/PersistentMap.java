package io.kmodfleet.coordinator.decision;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * A sorted map that never changes: {@link #with} gives another one that shares all but a path with this. So a state can be
 * kept, compared and taken up again, and the order of iteration is the order of the keys, in every JVM.
 *
 * <p>An AVL tree (Adelson-Velsky and Landis, 1962) with copied paths; every operation costs O(log n).
 */
final class PersistentMap<K extends Comparable<? super K>, V> implements Iterable<Map.Entry<K, V>> {

    private static final PersistentMap<?, ?> EMPTY = new PersistentMap<>(null);

    private final Node<K, V> root;

    private PersistentMap(Node<K, V> root) {
        this.root = root;
    }

    @SuppressWarnings("unchecked")
    static <K extends Comparable<? super K>, V> PersistentMap<K, V> empty() {
        return (PersistentMap<K, V>) EMPTY;
    }

    int size() {
        return root == null ? 0 : root.size;
    }

    boolean isEmpty() {
        return root == null;
    }

    Optional<V> get(K key) {
        Node<K, V> node = root;
        while (node != null) {
            int order = key.compareTo(node.key);
            if (order == 0) {
                return Optional.of(node.value);
            }
            node = order < 0 ? node.left : node.right;
        }
        return Optional.empty();
    }

    List<K> keys() {
        List<K> keys = new ArrayList<>(size());
        forEach(entry -> keys.add(entry.getKey()));
        return keys;
    }

    /** The entry with the least key. */
    Optional<Map.Entry<K, V>> first() {
        Node<K, V> node = root;
        while (node != null && node.left != null) {
            node = node.left;
        }
        return node == null ? Optional.empty() : Optional.of(Map.entry(node.key, node.value));
    }

    PersistentMap<K, V> with(K key, V value) {
        return new PersistentMap<>(insert(root, key, value));
    }

    PersistentMap<K, V> without(K key) {
        return get(key).isEmpty() ? this : new PersistentMap<>(remove(root, key));
    }

    /** With the value of the key changed, starting from {@code initial} where there was none. */
    PersistentMap<K, V> change(K key, V initial, UnaryOperator<V> change) {
        return with(key, change.apply(get(key).orElse(initial)));
    }

    @Override
    public Iterator<Map.Entry<K, V>> iterator() {
        return new InOrder<>(root);
    }

    private static final class Node<K, V> {
        private final K key;
        private final V value;
        private final Node<K, V> left;
        private final Node<K, V> right;
        private final int size;
        private final byte height;

        Node(K key, V value, Node<K, V> left, Node<K, V> right) {
            this.key = key;
            this.value = value;
            this.left = left;
            this.right = right;
            this.size = 1 + sizeOf(left) + sizeOf(right);
            this.height = (byte) (1 + Math.max(heightOf(left), heightOf(right)));
        }
    }

    private static int sizeOf(Node<?, ?> node) {
        return node == null ? 0 : node.size;
    }

    private static int heightOf(Node<?, ?> node) {
        return node == null ? 0 : node.height;
    }

    private static <K extends Comparable<? super K>, V> Node<K, V> insert(Node<K, V> node, K key, V value) {
        if (node == null) {
            return new Node<>(key, value, null, null);
        }
        int order = key.compareTo(node.key);
        if (order == 0) {
            return new Node<>(key, value, node.left, node.right);
        }
        return order < 0
                ? balanced(node, insert(node.left, key, value), node.right)
                : balanced(node, node.left, insert(node.right, key, value));
    }

    private static <K extends Comparable<? super K>, V> Node<K, V> remove(Node<K, V> node, K key) {
        int order = key.compareTo(node.key);
        if (order < 0) {
            return balanced(node, remove(node.left, key), node.right);
        }
        if (order > 0) {
            return balanced(node, node.left, remove(node.right, key));
        }
        if (node.left == null) {
            return node.right;
        }
        if (node.right == null) {
            return node.left;
        }
        Node<K, V> next = node.right;
        while (next.left != null) {
            next = next.left;
        }
        return balanced(next, node.left, remove(node.right, next.key));
    }

    /** A node with the key and value of {@code of}, over two trees whose heights differ by at most two. */
    private static <K, V> Node<K, V> balanced(Node<K, V> of, Node<K, V> left, Node<K, V> right) {
        int lean = heightOf(left) - heightOf(right);
        if (lean > 1) {
            return heightOf(left.left) >= heightOf(left.right)
                    ? node(left, left.left, node(of, left.right, right))
                    : node(left.right, node(left, left.left, left.right.left), node(of, left.right.right, right));
        }
        if (lean < -1) {
            return heightOf(right.right) >= heightOf(right.left)
                    ? node(right, node(of, left, right.left), right.right)
                    : node(right.left, node(of, left, right.left.left), node(right, right.left.right, right.right));
        }
        return node(of, left, right);
    }

    private static <K, V> Node<K, V> node(Node<K, V> of, Node<K, V> left, Node<K, V> right) {
        return new Node<>(of.key, of.value, left, right);
    }

    private static final class InOrder<K, V> implements Iterator<Map.Entry<K, V>> {
        private final Deque<Node<K, V>> path = new ArrayDeque<>();

        InOrder(Node<K, V> root) {
            descend(root);
        }

        @Override
        public boolean hasNext() {
            return !path.isEmpty();
        }

        @Override
        public Map.Entry<K, V> next() {
            if (path.isEmpty()) {
                throw new NoSuchElementException();
            }
            Node<K, V> node = path.pop();
            descend(node.right);
            return Map.entry(node.key, node.value);
        }

        private void descend(Node<K, V> node) {
            for (Node<K, V> at = node; at != null; at = at.left) {
                path.push(at);
            }
        }
    }
}
